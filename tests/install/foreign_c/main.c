/// Scores two events with the model that the foreign program in C++ has trained (tests/install/foreign).
///   foreign_c MODEL.ophion
#include <ophion_c.h>
#include <stdio.h>

int main(int argc, char** argv) {
  const char* const names[] = {"b", "a"};
  const float events[] = {2, 2, -2, -2};
  const ophion_matrix matrix = {events, OPHION_FLOAT32, 2, 2, 2, 1};
  float scores[2] = {0, 0};
  ophion_model* model = NULL;
  ophion_bound* bound = NULL;
  if (argc != 2) return 2;
  if (ophion_abi() != OPHION_ABI || ophion_model_load(argv[1], NULL, &model) != OPHION_OK ||
      ophion_model_bind(model, names, 2, &bound) != OPHION_OK || ophion_bound_predict(bound, &matrix, scores, 2) != OPHION_OK) {
    fprintf(stderr, "foreign_c: %s\n", ophion_error_text());
    return 1;
  }
  ophion_bound_free(bound);
  ophion_model_free(model);
  printf("ophion %s scores %.3f and %.3f\n", ophion_version(), scores[0], scores[1]);
  return scores[0] > 0.9f && scores[1] < 0.1f ? 0 : 1;
}
