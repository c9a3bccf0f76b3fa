/// π by Monte Carlo, with a model in the place of x² + y² < 1: it learns from points of the unit square whether they lie in the quarter
/// circle, is saved and loaded, and scores fresh points. π is 4 times the mean score. Needs no file; leaves runs/ and pi.ophion.
#include <math.h>
#include <ophion_c.h>
#include <stdio.h>
#include <stdlib.h>

enum { learnt = 5000, fresh = 100000 };

static const char* const config_text =
    "{\"version\": 1, \"name\": \"pi\", \"task\": \"classification\", \"seed\": 1, \"threads\": 1, \"report\": {\"enabled\": false},"
    " \"data\": {\"features\": [\"x\", \"y\"], \"weights\": {\"normalise\": \"none\"}, \"split\": {\"validation\": 0.1, \"test\": 0.1}},"
    " \"methods\": [{\"name\": \"trees\", \"type\": \"sklearn\", \"estimator\": \"sklearn.ensemble.HistGradientBoostingClassifier\","
    " \"params\": {\"max_iter\": 50}}]}";

/// A status that isn't OPHION_OK ends the program with the error's text.
static void check(ophion_status status) {
  if (status == OPHION_OK) return;
  fprintf(stderr, "pi: %s\n", ophion_error_text());
  exit(1);
}

static double uniform(void) { return rand() / (RAND_MAX + 1.0); }

static int32_t tell(const ophion_progress* now, void* user) {
  (void)user;
  fprintf(stderr, "%s %ld %s\n", now->method, (long)now->epoch, now->metrics);
  return 0;
}

int main(void) {
  static double points[2][learnt][2];  // outside, inside; x, y
  size_t count[2] = {0, 0};
  srand(1);
  for (int i = 0; i < learnt; ++i) {
    const double x = uniform(), y = uniform();
    const int inside = x * x + y * y < 1;
    points[inside][count[inside]][0] = x;
    points[inside][count[inside]++][1] = y;
  }

  ophion_events* events;
  check(ophion_events_create(&events));
  for (int inside = 0; inside < 2; ++inside) {
    const ophion_column columns[] = {{"x", &points[inside][0][0], OPHION_FLOAT64, count[inside], sizeof points[0][0], 1, 0},
                                     {"y", &points[inside][0][1], OPHION_FLOAT64, count[inside], sizeof points[0][0], 1, 0}};
    check(ophion_events_add(events, inside ? "signal" : "background", columns, 2, NULL, NULL, 0));
  }
  ophion_config* config;
  ophion_run* run;
  ophion_model* model;
  check(ophion_config_from_json(config_text, NULL, &config));
  check(ophion_train(config, events, NULL, tell, NULL, &run));
  check(ophion_run_model(run, NULL, &model));
  check(ophion_model_save(model, "pi.ophion"));
  ophion_model_free(model);
  ophion_run_free(run);
  ophion_config_free(config);
  ophion_events_free(events);

  static float square[fresh][2], score[fresh];
  for (int i = 0; i < fresh; ++i) {
    square[i][0] = (float)uniform();
    square[i][1] = (float)uniform();
  }
  const ophion_matrix matrix = {square, OPHION_FLOAT32, fresh, 2, 2, 1};
  check(ophion_model_load("pi.ophion", NULL, &model));
  check(ophion_model_predict(model, &matrix, score, fresh));
  ophion_model_free(model);
  double sum = 0, squares = 0;
  for (int i = 0; i < fresh; ++i) {
    sum += score[i];
    squares += (double)score[i] * score[i];
  }
  const double mean = sum / fresh, error = sqrt((squares / fresh - mean * mean) / (fresh - 1));
  printf("pi = %.4f +- %.4f\n", 4 * mean, 4 * error);
  return 0;
}
