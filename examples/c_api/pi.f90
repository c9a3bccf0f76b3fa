! π by Monte Carlo through the C API, as pi.c does: a model learns which points of the unit square lie in the quarter circle, is saved and
! loaded, and scores fresh points. Needs no file; leaves runs/ and pi.ophion.
program pi
  use iso_c_binding
  use ophion_c
  implicit none
  integer, parameter :: learnt = 5000, fresh = 100000
  character(len=*), parameter :: config_text = &
    '{"version": 1, "name": "pi", "task": "classification", "seed": 1, "threads": 1, "report": {"enabled": false},' // &
    ' "data": {"features": ["x", "y"], "weights": {"normalise": "none"}, "split": {"validation": 0.1, "test": 0.1}},' // &
    ' "methods": [{"name": "trees", "type": "sklearn", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",' // &
    ' "params": {"max_iter": 50}}]}' // c_null_char
  real(c_double), target :: points(2, learnt), inside(2, learnt), outside(2, learnt)
  real(c_float), target :: square(2, fresh)
  real(c_float) :: score(fresh)
  real(c_double) :: mean, error
  integer :: i, n_inside, n_outside, n_seeds
  type(c_ptr) :: config, events, run, model

  call random_seed(size=n_seeds)
  call random_seed(put=[(i, i = 1, n_seeds)])
  call random_number(points)
  n_inside = 0
  n_outside = 0
  do i = 1, learnt
    if (sum(points(:, i)**2) < 1) then
      n_inside = n_inside + 1
      inside(:, n_inside) = points(:, i)
    else
      n_outside = n_outside + 1
      outside(:, n_outside) = points(:, i)
    end if
  end do

  call check(ophion_events_create(events))
  call add('signal', inside, n_inside)
  call add('background', outside, n_outside)
  call check(ophion_config_from_json(config_text, c_null_ptr, config))
  call check(ophion_train(config, events, c_null_ptr, c_null_funptr, c_null_ptr, run))
  call check(ophion_run_model(run, c_null_ptr, model))
  call check(ophion_model_save(model, 'pi.ophion' // c_null_char))
  call ophion_model_free(model)

  call random_number(square)
  call check(ophion_model_load('pi.ophion' // c_null_char, c_null_ptr, model))
  call check(ophion_model_predict(model, ophion_matrix(c_loc(square), ophion_float32, fresh, 2, 2, 1), score, int(fresh, c_size_t)))
  call ophion_model_free(model)
  mean = sum(real(score, c_double)) / fresh
  error = sqrt(sum((score - mean)**2) / fresh / (fresh - 1))
  print '(a, f6.4, a, f6.4)', 'pi = ', 4 * mean, ' +- ', 4 * error
contains
  subroutine add(class, rows, count)
    character(len=*), intent(in) :: class
    real(c_double), intent(in), target :: rows(:, :)
    integer, intent(in) :: count
    character(kind=c_char), target :: x(2) = ['x', c_null_char], y(2) = ['y', c_null_char]
    type(ophion_column) :: columns(2)
    columns(1) = ophion_column(c_loc(x), c_loc(rows(1, 1)), ophion_float64, count, 16, 1, 0)  ! 16 bytes from a point to the next
    columns(2) = ophion_column(c_loc(y), c_loc(rows(2, 1)), ophion_float64, count, 16, 1, 0)
    call check(ophion_events_add(events, class // c_null_char, columns, 2_c_size_t, c_null_ptr, c_null_ptr, 0_c_size_t))
  end subroutine
end program
