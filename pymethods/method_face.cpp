/// Calls into a method's Python face.
#include "method_face.h"

#include <dlfcn.h>

#include <filesystem>
#include <unordered_map>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "call.h"
#include "gil.h"
#include "guest.h"
#include "numpy_api.h"
#include "shutdown.h"
#include "value.h"

namespace ophion {
namespace {

const std::string contract_module = "ophion.contract";

PyRef contract(Name& name) {
  return attribute(import_module(contract_module).get(), name, "looking into ophion.contract");
}

/// log(level, line) for Python: messages of the package's own loggers go to the host's sink. Bytes, since a text may hold what UTF-8 can't.
PyObject* log_line(PyObject*, PyObject* arguments) {
  int level = 0;
  PyObject* line = nullptr;
  if (!PyArg_ParseTuple(arguments, "iS:log", &level, &line)) return nullptr;
  // A copy: the object may go while the GIL is released.
  const std::string text(PyBytes_AS_STRING(line), static_cast<std::size_t>(PyBytes_GET_SIZE(line)));
  const LogLevel to = level >= 40 ? LogLevel::error : level >= 30 ? LogLevel::warning : level >= 20 ? LogLevel::info : LogLevel::debug;
  {
    const GilRelease released;
    log(to, text);
  }
  Py_RETURN_NONE;
}

/// progress(step, done, total, unit) for Python: how far a tool is goes to the host's progress sink.
PyObject* step_progress(PyObject*, PyObject* arguments) {
  const char *step = nullptr, *unit = nullptr;
  unsigned long long done = 0, total = 0;
  if (!PyArg_ParseTuple(arguments, "sKKs:progress", &step, &done, &total, &unit)) return nullptr;
  const StepProgress progress{step, done, total, unit};
  {
    const GilRelease released;
    tell_progress(progress);
  }
  Py_RETURN_NONE;
}

/// Once a process: every face may log and tell how far it is.
void connect_host() {
  static bool connected = false;  // guarded by the GIL
  if (std::exchange(connected, true)) return;
  static PyMethodDef log_definition{"log", log_line, METH_VARARGS, "log(level, line): hands a message to the host"};
  static PyMethodDef progress_definition{"progress", step_progress, METH_VARARGS, "progress(step, done, total, unit): tells the host"};
  static Name connect("connect_host");
  const char* const doing = "connecting Python's logging";
  const PyRef log_function = check(PyCFunction_New(&log_definition, nullptr), doing);
  const PyRef progress_function = check(PyCFunction_New(&progress_definition, nullptr), doing);
  call(contract(connect).get(), {log_function.get(), progress_function.get()}, doing);
}

/// Whose code it is that runs, for errors.
std::string user_code(const PyMethodTraits& traits, const Value& options) {
  const Value* script = options.find("script");
  if (script && script->is_text()) return std::filesystem::path(script->as_text()).filename().string();
  const Value* estimator = options.find("estimator");
  return estimator && estimator->is_text() ? estimator->as_text() : traits.name;
}

/// Whose module it is, for errors: nothing where the module says so itself.
std::string package_of(const PyMethodTraits& traits) {
  if (traits.package.empty()) return "";
  return " (method '" + traits.name + "' of the Python package " + traits.package + " " + traits.package_version + ")";
}

PyRef to_dict(const Members& members) {
  PyRef dict = ophion::check(PyDict_New(), "handing over a model");
  for (const auto& [name, bytes] : members) {
    const PyRef content = ophion::check(
        PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())), "handing over a model");
    ophion::check(PyDict_SetItem(dict.get(), to_text(name).get(), content.get()), "handing over a model");
  }
  return dict;
}

/// Where the shared object lies that holds an object's class: its first word points to the class's table of virtual functions.
std::string folder_of(const void* object) {
  Dl_info info;
  if (dladdr(*static_cast<void* const*>(object), &info) == 0 || !info.dli_fname) return {};
  return std::filesystem::path(info.dli_fname).parent_path().string();
}

/// The bytes of anything that has some.
std::string to_bytes(PyObject* object, const std::string& place) {
  Py_buffer view;
  if (PyUnicode_Check(object) || PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) {
    PyErr_Clear();
    throw Error(place + ": expected bytes, found a value of type '" + Py_TYPE(object)->tp_name + "'");
  }
  std::string bytes(static_cast<const char*>(view.buf), static_cast<std::size_t>(view.len));
  PyBuffer_Release(&view);
  return bytes;
}

Members to_members(PyObject* dict, const std::string& doing) {
  if (!PyDict_Check(dict)) {
    throw Error(doing + " returned a value of type '" + Py_TYPE(dict)->tp_name + "', expected a dict of names and bytes");
  }
  Members members;
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t position = 0; PyDict_Next(dict, &position, &key, &value);) {
    const std::string member = from_text(key, doing);
    members[member] = to_bytes(value, doing + " returned '" + member + "'");
  }
  return members;
}

PyRef make_spec(const Spec& spec, std::uint64_t seed) {
  static Name class_name("Spec");
  const PyRef task = to_text(spec.task);
  const PyRef features = to_texts(spec.features, true);
  const PyRef classes = to_texts(spec.classes, true);
  const PyRef targets = to_texts(spec.targets, true);
  const PyRef number = check(PyLong_FromUnsignedLongLong(seed), "making a seed");
  return call_with_keywords(contract(class_name).get(),
                            {{"task", task.get()},
                             {"features", features.get()},
                             {"classes", classes.get()},
                             {"targets", targets.get()},
                             {"seed", number.get()}},
                            "describing what is to be learnt");
}

PyRef make_events(const LabelledEvents& events, Loan& loan) {
  static Name class_name("Events");
  const PyRef x = loan.lend(events.features);
  const PyRef y = events.targets.columns() > 0 ? loan.lend(events.targets) : loan.lend(events.labels);
  const PyRef w = loan.lend(events.weights);
  return call(contract(class_name).get(), {x.get(), y.get(), w.get()}, "lending events to Python");
}

}  // namespace

PyObject* face_module(const std::string& module, const char* kind, const void* plugin, const std::string& of) {
  // Guarded by the GIL, which the import may release: nothing of the map is held meanwhile.
  static auto& known = *new std::unordered_map<std::string, PyObject*>();
  if (const auto found = known.find(module); found != known.end()) return found->second;
  ensure_numpy();
  connect_host();
  static Name face_name("face");
  PyRef imported = call(contract(face_name).get(),
                        {to_text(module).get(), to_text(kind).get(), to_text(folder_of(plugin)).get()}, "importing " + module + of);
  renew_exit_hook();  // before the user's own code registers exit functions, which may need threads
  const auto [place, is_new] = known.emplace(module, imported.get());
  if (is_new) imported.release();
  return place->second;
}

MethodFace::MethodFace(const PyMethodBase& method, const Value& options)
    : module_(face_module(method.traits().python_module, "method", &method, package_of(method.traits()))),
      traits_(method.traits()),
      who_(user_code(traits_, options)) {}

std::vector<std::string> MethodFace::tasks() const {
  static Name name("tasks");
  const std::string doing = "asking " + traits_.python_module + package_of(traits_) + " for its tasks";
  return to_value(call(contract(name).get(), {module_}, doing).get(), doing).as_texts();
}

void MethodFace::check(PyObject* context) const {
  static Name name("check");
  const Guest guest(doing("check"), Guest::Call::any_other);
  call_method(module_, name, {context}, doing("check"));
}

PyRef MethodFace::train(PyObject* data, PyObject* context) const {
  static Name name("train");
  const Guest guest(doing("train"), Guest::Call::any_other);
  return call_method(module_, name, {data, context}, doing("train"));
}

Members MethodFace::save(PyObject* model) const {
  static Name name("save");
  const PyRef saved = [&] {
    const Guest guest(doing("save"), Guest::Call::any_other);
    return call_method(module_, name, {model}, doing("save"));
  }();
  Members members = to_members(saved.get(), doing("save"));
  if (members.empty()) throw Error(doing("save") + " returned nothing to keep");
  return members;
}

void MethodFace::export_native(PyObject* model, Payload& payload) const {
  static Name name("export_native");
  const PyRef exported = [&] {
    const Guest guest(doing("export_native"), Guest::Call::any_other);
    return call(contract(name).get(), {module_, model}, doing("export_native"));
  }();
  PyObject *members = nullptr, *problem = nullptr;
  if (!PyArg_ParseTuple(exported.get(), "OU", &members, &problem)) throw_python_error(doing("export_native"));
  payload.native = to_members(members, doing("export_native"));
  payload.not_native = from_text(problem, doing("export_native"));
}

void MethodFace::export_onnx(PyObject* model, PyObject* context, Payload& payload) const {
  static Name name("export_onnx");
  const PyRef exported = [&] {
    const Guest guest(doing("export_onnx"), Guest::Call::any_other);
    return call(contract(name).get(), {module_, model, context}, doing("export_onnx"));
  }();
  PyObject *graph = nullptr, *problem = nullptr;
  if (!PyArg_ParseTuple(exported.get(), "SU", &graph, &problem)) throw_python_error(doing("export_onnx"));
  payload.onnx.assign(PyBytes_AS_STRING(graph), static_cast<std::size_t>(PyBytes_GET_SIZE(graph)));
  payload.not_onnx = from_text(problem, doing("export_onnx"));
}

PyRef MethodFace::load(const Members& members, PyObject* context) const {
  static Name name("load");
  const Guest guest(doing("load"), Guest::Call::any_other);
  return call_method(module_, name, {to_dict(members).get(), context}, doing("load"));
}

bool MethodFace::carries_code(const Members& members) const {
  static Name name("carries_code");
  const PyRef answer = call_method(module_, name, {to_dict(members).get()}, doing("carries_code"));
  const int truth = PyObject_IsTrue(answer.get());
  ophion::check(truth, doing("carries_code"));
  return truth == 1;
}

Value MethodFace::versions(PyObject* model) const {
  static Name name("versions");
  const PyRef found = call(contract(name).get(), {module_, model}, doing("versions"));
  Value versions = to_value(found.get(), doing("versions"));
  if (!traits_.package.empty()) versions.set(traits_.package, traits_.package_version);
  return versions;
}

Value MethodFace::importance(PyObject* model) const {
  static Name name("importance");
  const PyRef found = call(contract(name).get(), {module_, model}, doing("importance"));
  return to_value(found.get(), doing("importance"));
}

PyRef MethodFace::predict_function() const {
  static Name name("predict");
  return attribute(module_, name, doing("predict"));
}

PyRef make_context(const TrainContext& context, int threads, bool rehearsal, const ProgressBridge* host) {
  static Name class_name("Context");
  const std::string doing = "describing the training of '" + context.name + "'";
  const bool keeps = !rehearsal && !context.checkpoints.empty();
  const PyRef name = to_text(context.name);
  const PyRef spec = make_spec(context.spec, context.seed);
  const PyRef options = to_builtin(context.options);
  const PyRef seed = check(PyLong_FromUnsignedLongLong(context.seed), doing);
  const PyRef thread_count = check(PyLong_FromLong(threads), doing);
  const PyRef report = host ? host->report() : PyRef::borrow(Py_None);
  const PyRef should_stop = host ? host->should_stop() : PyRef::borrow(Py_None);
  const PyRef settle = host ? host->settle() : PyRef::borrow(Py_None);
  const PyRef checkpoints = keeps ? to_text(context.checkpoints.string()) : PyRef::borrow(Py_None);
  return call_with_keywords(contract(class_name).get(),
                            {{"name", name.get()},
                             {"spec", spec.get()},
                             {"options", options.get()},
                             {"seed", seed.get()},
                             {"threads", thread_count.get()},
                             {"checkpoints", checkpoints.get()},
                             {"resume", keeps && context.resume ? Py_True : Py_False},
                             {"rehearsal", rehearsal ? Py_True : Py_False},
                             {"_report", report.get()},
                             {"_should_stop", should_stop.get()},
                             {"_settle", settle.get()}},
                            doing);
}

PyRef make_training_data(const TrainingData& data, Loan& loan) {
  static Name class_name("TrainingData");
  const PyRef train = make_events(data.train, loan);
  const PyRef validation = data.validation.rows() > 0 ? make_events(data.validation, loan) : PyRef::borrow(Py_None);
  return call(contract(class_name).get(), {train.get(), validation.get()}, "lending events to Python");
}

int threads_for(const CallOptions& call) { return call.threads > 0 ? call.threads : runtime_options().threads; }

ThreadLimit::ThreadLimit(int threads) {
  if (threads <= 0) return;
  static Name limit("limit_threads"), enter("__enter__");
  const PyRef number = check(PyLong_FromLong(threads), "limiting threads");
  const PyRef limit_threads = attribute(import_module("ophion._threads").get(), limit, "limiting threads");
  PyRef manager = call(limit_threads.get(), {number.get()}, "limiting threads");
  call_method(manager.get(), enter, {}, "limiting threads");
  manager_ = std::move(manager);
}

ThreadLimit::~ThreadLimit() {
  if (!manager_) return;
  static Name leave("__exit__");
  try {
    call_method(manager_.get(), leave, {Py_None, Py_None, Py_None}, "giving threads back");
  } catch (const std::exception& error) {
    const GilRelease released;
    log(LogLevel::warning, error.what());
  }
}

}  // namespace ophion
