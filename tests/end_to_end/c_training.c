/// Trains through the C API what a config says and says what came of it, a line a thing, for a test to read.
///   c_training CONFIG [--stop-at EPOCH] [KEY=VALUE]...
/// Lines: "progress METHOD EPOCH/EPOCHS JSON", "log LEVEL TEXT", "folder PATH", "run JSON", "metrics JSON", "model NAME OUTPUTS"; of a failure
/// "failed KIND TEXT" and "traceback TEXT".
#include <ophion_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(void) {
  const char* const traceback = ophion_error_detail("traceback");
  printf("failed %d %s\n", (int)ophion_error_kind(), ophion_error_text());
  if (traceback) printf("traceback %s\n", traceback);
  return 1;
}

static int32_t tell(const ophion_progress* now, void* user) {
  const int64_t stop_at = *(const int64_t*)user;
  printf("progress %s %ld/%ld %s\n", now->method, (long)now->epoch, (long)now->epochs, now->metrics);
  return stop_at > 0 && now->epoch >= stop_at;
}

static void hear(int32_t level, const char* line, void* user) { fprintf((FILE*)user, "log %d %s\n", (int)level, line); }

/// A text of a run on one line, whatever its length.
static int show(const char* what, ophion_status (*give)(const ophion_run*, char*, size_t, size_t*), const ophion_run* run) {
  size_t needed = 0;
  char* text;
  if (give(run, NULL, 0, &needed) != OPHION_OK) return failed();
  text = malloc(needed);
  if (!text || give(run, text, needed, NULL) != OPHION_OK) return failed();
  for (char* at = text; *at; ++at) {
    if (*at == '\n') *at = ' ';
  }
  printf("%s %s\n", what, text);
  free(text);
  return 0;
}

int main(int argc, char** argv) {
  int64_t stop_at = 0;
  ophion_config* config = NULL;
  ophion_run* run = NULL;
  ophion_model* model = NULL;
  if (argc < 2) return 2;
  if (ophion_set_log(hear, stdout) != OPHION_OK) return failed();
  if (ophion_config_from_file(argv[1], &config) != OPHION_OK) return failed();
  for (int i = 2; i < argc; ++i) {
    char* const equals = strchr(argv[i], '=');
    if (strcmp(argv[i], "--stop-at") == 0 && i + 1 < argc) {
      stop_at = atol(argv[++i]);
    } else if (equals) {
      *equals = '\0';
      if (ophion_config_set(config, argv[i], equals + 1) != OPHION_OK) return failed();
    }
  }
  if (ophion_check(config, NULL) != OPHION_OK) return failed();
  if (ophion_train(config, NULL, NULL, tell, &stop_at, &run) != OPHION_OK) return failed();
  ophion_config_free(config);
  printf("folder %s\n", ophion_run_folder(run));
  if (show("run", ophion_run_describe, run) || show("metrics", ophion_run_metrics, run)) return 1;
  if (ophion_run_model(run, "no_such_method", &model) == OPHION_OK || model) return 1;
  printf("no model: %s\n", ophion_error_text());
  if (ophion_run_model(run, NULL, &model) != OPHION_OK) return failed();
  ophion_run_free(run);
  printf("model %lu features, %s\n", (unsigned long)ophion_model_count(model, OPHION_FEATURES), ophion_model_name(model, OPHION_OUTPUTS, 0));
  ophion_model_free(model);
  return 0;
}
