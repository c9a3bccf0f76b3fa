/// A program in C99 that links nothing but libophion_c: it loads a model that needs no Python, binds, scores, and meets an error.
///   c_program sum.ophion      (of tests/bindings/make_models.cpp: score = x + 5 |y|)
#include <ophion_c.h>

#include <stdio.h>
#include <string.h>

static int fail(const char* doing) {
  fprintf(stderr, "%s: %s\n", doing, ophion_error_text());
  return 1;
}

int main(int argc, char** argv) {
  const char* const names[] = {"y", "x"};
  const double events[] = {-2, 1, 4, 3};
  const ophion_matrix matrix = {events, OPHION_FLOAT64, 2, 2, 2, 1};
  float scores[2] = {0, 0};
  ophion_model* model = NULL;
  ophion_bound* bound = NULL;
  if (argc != 2 || ophion_abi() != OPHION_ABI) return 2;
  if (ophion_model_load(argv[1], NULL, &model) != OPHION_OK) return fail("load");
  if (ophion_model_bind(model, names, 2, &bound) != OPHION_OK) return fail("bind");
  ophion_model_free(model);
  if (ophion_bound_predict(bound, &matrix, scores, 2) != OPHION_OK) return fail("predict");
  if (ophion_bound_predict(bound, &matrix, scores, 3) != OPHION_ARGUMENT) return fail("three scores of two events");
  if (!strstr(ophion_error_text(), "expected room for 2")) return fail("the text");
  ophion_bound_free(bound);
  printf("%g %g\n", scores[0], scores[1]);
  return 0;
}
