/// Ophion from C: load and use models, train them. C99, and the single source of every other language's bindings: docs/c_api.md.
///
/// What holds for all of it:
/// - A function that can fail returns an ophion_status, OPHION_OK being 0; what it gives comes through its last pointers, which are
///   set to NULL or 0 first. Nothing ever throws, prints, exits or aborts; a NULL where none is allowed is OPHION_ARGUMENT.
/// - A handle is opaque and comes from a function that takes a pointer to a pointer; its own _free, which takes NULL too, ends it. A
///   handle keeps alive what it needs: a model may be freed before what was bound to it.
/// - A function may be called from any thread. Handles that a function takes as const may be used by any number of threads at once,
///   others by one thread at a time. No handle may be freed while another thread uses it.
/// - Text is UTF-8 and ends with a zero. A `const char*` that is returned belongs to its handle and lives as long; nobody frees it.
///   Longer text is copied into the caller's memory: `needed` (may be NULL) becomes the bytes it takes, its zero among them; with
///   `text` NULL and `size` 0 nothing is copied; where `size` is less than needed, text becomes "" and the status is OPHION_TOO_SMALL.
/// - Numbers are lent for the call, unless it says otherwise; they are never changed and need no alignment of their own in a column.
/// - `options` is a JSON object, or NULL for none; an unknown key is an error that names the nearest known one.
#ifndef OPHION_C_H
#define OPHION_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ------------------------------------------------------------------------------------------------------------------- */

/// What came of a call. Later versions may add kinds of error.
typedef int32_t ophion_status;

enum {
  OPHION_OK = 0,
  OPHION_FAILED = 1,       ///< none of the kinds below
  OPHION_CONFIG = 2,       ///< a config, or options, not as they must be; details: file, pointer, problem
  OPHION_DATA = 3,         ///< events that can't be read or used
  OPHION_PYTHON = 4,       ///< Python code raised; details: type, message, traceback
  OPHION_MODEL = 5,        ///< a model file that is damaged, newer, or scores otherwise than in training
  OPHION_PLUGIN = 6,       ///< a plug-in, or its Python, is missing or doesn't fit
  OPHION_INTERRUPTED = 7,  ///< stopped before there was a result
  OPHION_TRUST = 8,        ///< a model would run code that nobody has said to trust
  OPHION_TIME_LIMIT = 9,   ///< took longer than its time limit
  OPHION_WORKER = 10,      ///< a worker process ended, or could not be started
  OPHION_ARGUMENT = 100,   ///< a call as it must not be: a NULL, an index, a number of values
  OPHION_TOO_SMALL = 101,  ///< the caller's memory for text is smaller than the text
  OPHION_NO_MEMORY = 102   ///< memory ran out
};

/// The last call of this thread that failed: its status, OPHION_OK when none has. A call that succeeds changes nothing of this.
ophion_status ophion_error_kind(void);
/// What it was: text for people that names the thing (file, key, column, row), what was expected and what was found; "" when none has.
/// Belongs to the thread and lives until the next of its calls that fails.
const char* ophion_error_text(void);
/// One detail of it by its key (see the statuses); NULL when it has none of that name. Lives as long as the text.
const char* ophion_error_detail(const char* key);

/* ---- The process -------------------------------------------------------------------------------------------------------------- */

/// The version of Ophion that runs, such as "0.1.0". Never freed.
const char* ophion_version(void);

/// The version of this header, and by ophion_abi that of the library. A library serves every program that was compiled with the same
/// number: functions, statuses and keys of options are added under it, none changed or removed.
#define OPHION_ABI 1
int32_t ophion_abi(void);

/// Options of the process, each as it is when not named: "python" (an executable or an environment, before the first use of Python),
/// "threads" (of PyTorch, OpenMP and BLAS in every call; 0: as they choose), "onnxruntime" (its shared library), "capture_c_output",
/// "ignore_sigpipe".
ophion_status ophion_configure(const char* options);

enum {
  OPHION_LOG_DEBUG = 0,
  OPHION_LOG_INFO = 1,
  OPHION_LOG_WARNING = 2,
  OPHION_LOG_ERROR = 3,
  OPHION_LOG_SCRIPT_OUTPUT = 4,  ///< what Python code writes to its stdout
  OPHION_LOG_SCRIPT_ERROR = 5    ///< and to its stderr
};

/// Gets one line at a time, from any thread, also several at once, never with Python's lock held. `line` is lent for the call.
typedef void (*ophion_log_callback)(int32_t level, const char* line, void* user);

/// Where messages go from now on; NULL: scripts print to the process's stdout and stderr, and Ophion's own messages go nowhere. A call
/// of the callback before may still run in another thread when this returns.
ophion_status ophion_set_log(ophion_log_callback callback, void* user);

/// Asks every running training to stop at the next chance and keep its best epoch. Safe in a signal handler. The wish stays until it is
/// cleared, or until a training starts while no other runs.
void ophion_interrupt(void);
int32_t ophion_interrupted(void);  ///< 1 or 0
void ophion_clear_interrupt(void);

/// JSON: which Python would be used (or is), why, and a list of what is missing, "problems". Starts nothing.
ophion_status ophion_python_report(char* text, size_t size, size_t* needed);

/* ---- Numbers of the caller ----------------------------------------------------------------------------------------------------- */

enum {
  OPHION_BOOL = 0,  ///< a byte; true when it isn't 0
  OPHION_INT8 = 1,
  OPHION_INT16 = 2,
  OPHION_INT32 = 3,
  OPHION_INT64 = 4,
  OPHION_UINT8 = 5,
  OPHION_UINT16 = 6,
  OPHION_UINT32 = 7,
  OPHION_UINT64 = 8,
  OPHION_FLOAT32 = 9,
  OPHION_FLOAT64 = 10
};

/// rows × columns of float or double. Strides are in elements, may be negative, and are taken as they are: row after row without a gap
/// is row_stride = columns, column_stride = 1.
typedef struct ophion_matrix {
  const void* data;
  int32_t type;  ///< OPHION_FLOAT32 or OPHION_FLOAT64, aligned as such
  size_t rows;
  size_t columns;
  ptrdiff_t row_stride;
  ptrdiff_t column_stride;
} ophion_matrix;

/// Numbers of any type under a name. Strides are in bytes and taken as they are (0: the same number in every row): an array without gaps
/// has byte_stride = sizeof its element, a member of structs in an array that of the struct.
typedef struct ophion_column {
  const char* name;
  const void* data;
  int32_t type;
  size_t rows;
  ptrdiff_t byte_stride;        ///< from one row to the next
  size_t width;                 ///< numbers a row ("pt[0]", "pt[1]", …); 0 and 1: one
  ptrdiff_t width_byte_stride;  ///< from one number of a row to the next; not looked at where there is one
} ophion_column;

/* ---- Models -------------------------------------------------------------------------------------------------------------------- */

/// What scores events.
typedef struct ophion_model ophion_model;
/// A model, and the order in which a program has its numbers.
typedef struct ophion_bound ophion_bound;

/// JSON of a file that is only looked at, nothing of it is loaded or run: "hash" (by which it is trusted) and "manifest".
ophion_status ophion_file_describe(const char* file, char* text, size_t size, size_t* needed);

/// Loads a model. Options: "backend" ("python", "native", "onnx"), "threads", "time_limit" (seconds a call), "batching" (rows),
/// "trust" ("known", "all"), "trusted_hashes", "isolation" ("none", "process"), "workers", "memory_limit" (bytes), "drop_rights".
ophion_status ophion_model_load(const char* file, const char* options, ophion_model** model);
/// Writes the file it came from, byte for byte, under `file`: wholly or not at all.
ophion_status ophion_model_save(const ophion_model* model, const char* file);
void ophion_model_free(ophion_model* model);

/// JSON: "backend", "task", "features", "inputs", "outputs", "classes", "targets", "spectators", "folds", "fold_inputs", "versions",
/// "manifest".
ophion_status ophion_model_describe(const ophion_model* model, char* text, size_t size, size_t* needed);

/// The lists of names that a model has.
enum {
  OPHION_FEATURES = 0,     ///< what the model sees, in the order of the training
  OPHION_OUTPUTS = 1,      ///< numbers a row of scores has: "score", "score_<class>" or "pred_<target>"
  OPHION_INPUTS = 2,       ///< columns from which the features can be computed
  OPHION_CLASSES = 3,      ///< two: negative, positive; none for a regression
  OPHION_TARGETS = 4,      ///< of a regression
  OPHION_SPECTATORS = 5,   ///< columns that stood beside the training
  OPHION_FOLD_INPUTS = 6   ///< columns that tell which fold of a cross-validation has not seen an event
};

/// How many names a list has; 0, with an error, for a wrong argument.
size_t ophion_model_count(const ophion_model* model, int32_t list);
/// One of them; NULL, with an error, when there is none.
const char* ophion_model_name(const ophion_model* model, int32_t list, size_t index);

/// Scores rows of features in the order of the training. `out` has room for exactly out_count = rows × outputs numbers, and is filled row
/// by row; where the call fails, nothing in it means anything. (So for every function that scores.)
ophion_status ophion_model_predict(const ophion_model* model, const ophion_matrix* features, float* out, size_t out_count);
/// Scores columns by name, in any order and of any types: features, or the inputs they are computed from. Others are ignored. Where the
/// fold inputs are there, each row is scored by the fold that has not seen it.
ophion_status ophion_model_predict_columns(const ophion_model* model, const ophion_column* columns, size_t column_count, float* out,
                                           size_t out_count);

/// Fixes the order in which the caller has its numbers: names of features or inputs. A missing one is an error here.
ophion_status ophion_model_bind(const ophion_model* model, const char* const* names, size_t name_count, ophion_bound** bound);
void ophion_bound_free(ophion_bound* bound);
/// One event: one number a bound name; out_count = outputs.
ophion_status ophion_bound_predict_one(const ophion_bound* bound, const float* event, size_t event_count, float* out, size_t out_count);
/// Many: columns in the bound order.
ophion_status ophion_bound_predict(const ophion_bound* bound, const ophion_matrix* events, float* out, size_t out_count);

/* ---- Training ------------------------------------------------------------------------------------------------------------------ */

/// What is to be trained, checked.
typedef struct ophion_config ophion_config;
/// Events of the caller, in place of a config's files.
typedef struct ophion_events ophion_events;
/// What a training gave.
typedef struct ophion_run ophion_run;

/// Reads and checks a config file; paths in it are relative to its folder.
ophion_status ophion_config_from_file(const char* file, ophion_config** config);
/// The same for text; `folder` stands for the file's folder, NULL: the working folder.
ophion_status ophion_config_from_json(const char* json, const char* folder, ophion_config** config);
/// Changes one value: a dotted key ("methods.0.training.epochs") and JSON text; what is no JSON is taken as text. Checked again as a
/// whole; where that fails, the config stays as it was.
ophion_status ophion_config_set(ophion_config* config, const char* key, const char* json);
/// JSON: the config with every default filled in.
ophion_status ophion_config_describe(const ophion_config* config, char* text, size_t size, size_t* needed);
void ophion_config_free(ophion_config* config);

ophion_status ophion_events_create(ophion_events** events);
/// Adds events of a class (class_name NULL: of a regression): columns that features, splits and spectators refer to, as many weights
/// (NULL: every event weighs 1) and, for a regression, targets in the order of the config's; the names of weights and targets are not
/// looked at. The columns are lent until the last training or check with these events has returned; weights, targets and names are copied.
/// Where it fails, nothing was added.
ophion_status ophion_events_add(ophion_events* events, const char* class_name, const ophion_column* columns, size_t column_count,
                                const ophion_column* weights, const ophion_column* targets, size_t target_count);
void ophion_events_free(ophion_events* events);

/// How a training goes on, told after each epoch (or step of the method's own kind). Lent for the call; made by the library alone, so
/// that members may be added at its end.
typedef struct ophion_progress {
  const char* method;   ///< its name in the config
  int64_t epoch;        ///< from 1
  int64_t epochs;       ///< 0: not known
  int32_t fold;         ///< of a cross-validation, from 1; 0: none
  int32_t folds;
  const char* metrics;  ///< JSON: {"loss": 0.41, "validation/loss": 0.43}
} ophion_progress;

/// Called on the thread that trains. Nonzero stops: the best epoch is kept, later methods are not started.
typedef int32_t (*ophion_progress_callback)(const ophion_progress* progress, void* user);

/// Finds what can be found wrong before a training: plug-ins, scripts, estimators, and of the config's files that their columns are there.
/// `events` NULL: those of the config.
ophion_status ophion_check(const ophion_config* config, const ophion_events* events);
/// Trains every method of the config and writes the run folder; fails when none gave a model. `events` and `progress` may be NULL.
/// Options: "resume" (an earlier, unfinished run folder of the same config, to go on in).
ophion_status ophion_train(const ophion_config* config, const ophion_events* events, const char* options,
                           ophion_progress_callback progress, void* user, ophion_run** run);
void ophion_run_free(ophion_run* run);

/// The run folder.
const char* ophion_run_folder(const ophion_run* run);
/// JSON: "folder", "best", "stopped", and "methods", a list of {"name", "type", "status", "error", "seconds"}.
ophion_status ophion_run_describe(const ophion_run* run, char* text, size_t size, size_t* needed);
/// JSON: what metrics.json holds.
ophion_status ophion_run_metrics(const ophion_run* run, char* text, size_t size, size_t* needed);
/// The model of the method of that name; NULL: the one that did best on validation events.
ophion_status ophion_run_model(const ophion_run* run, const char* method, ophion_model** model);

#ifdef __cplusplus
}
#endif

#endif
