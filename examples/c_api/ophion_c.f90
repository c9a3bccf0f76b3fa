! What a Fortran program uses of ophion_c.h; functions that are not here are declared alike. Of a text the end is c_null_char, of a stride
! that counts (ptrdiff_t) the kind c_intptr_t.
module ophion_c
  use iso_c_binding
  use iso_fortran_env, only: error_unit
  implicit none

  type, bind(c) :: ophion_matrix
    type(c_ptr) :: values
    integer(c_int32_t) :: type
    integer(c_size_t) :: rows, columns
    integer(c_intptr_t) :: row_stride, column_stride
  end type
  type, bind(c) :: ophion_column
    type(c_ptr) :: name, values
    integer(c_int32_t) :: type
    integer(c_size_t) :: rows
    integer(c_intptr_t) :: byte_stride
    integer(c_size_t) :: width
    integer(c_intptr_t) :: width_byte_stride
  end type
  integer(c_int32_t), parameter :: ophion_float32 = 9, ophion_float64 = 10

  interface
    function ophion_error_text() bind(c) result(text)
      import; type(c_ptr) :: text
    end function
    function ophion_config_from_json(json, folder, config) bind(c) result(status)
      import; integer(c_int32_t) :: status; character(kind=c_char) :: json(*); type(c_ptr), value :: folder; type(c_ptr) :: config
    end function
    function ophion_events_create(events) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr) :: events
    end function
    function ophion_events_add(events, class, columns, column_count, weights, targets, target_count) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr), value :: events, weights, targets; character(kind=c_char) :: class(*)
      type(ophion_column) :: columns(*); integer(c_size_t), value :: column_count, target_count
    end function
    function ophion_train(config, events, options, progress, user, run) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr), value :: config, events, options, user; type(c_funptr), value :: progress
      type(c_ptr) :: run
    end function
    function ophion_run_model(run, method, model) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr), value :: run, method; type(c_ptr) :: model
    end function
    function ophion_model_save(model, file) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr), value :: model; character(kind=c_char) :: file(*)
    end function
    function ophion_model_load(file, options, model) bind(c) result(status)
      import; integer(c_int32_t) :: status; character(kind=c_char) :: file(*); type(c_ptr), value :: options; type(c_ptr) :: model
    end function
    function ophion_model_predict(model, features, out, out_count) bind(c) result(status)
      import; integer(c_int32_t) :: status; type(c_ptr), value :: model; type(ophion_matrix) :: features; real(c_float) :: out(*)
      integer(c_size_t), value :: out_count
    end function
    subroutine ophion_model_free(model) bind(c)
      import; type(c_ptr), value :: model
    end subroutine
    function strlen(text) bind(c) result(length)
      import; type(c_ptr), value :: text; integer(c_size_t) :: length
    end function
  end interface
contains
  !> Ends the program with the error's text where a call has failed.
  subroutine check(status)
    integer(c_int32_t), intent(in) :: status
    character(kind=c_char), pointer :: text(:)
    if (status == 0) return
    call c_f_pointer(ophion_error_text(), text, [strlen(ophion_error_text())])
    write (error_unit, *) text
    stop 1
  end subroutine
end module
