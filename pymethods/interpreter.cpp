/// Starts Python so that neither the host nor Python's libraries notice that there are two of them.
#include "interpreter.h"

#include <dlfcn.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "call.h"
#include "core/python_launcher.h"
#include "gil.h"
#include "host_openmp.h"
#include "host_signals.h"
#include "output.h"
#include "shutdown.h"

namespace ophion {

namespace detail {
std::atomic<PythonState> python_state{PythonState::not_started};
}

namespace {

const std::filesystem::path& started_executable(const PythonChoice& choice) {
  return choice.start_executable.empty() ? choice.executable : choice.start_executable;
}

void demand(const PyStatus& status, const PythonChoice& choice) {
  if (!PyStatus_Exception(status)) return;
  throw PluginError("Python " + started_executable(choice).string() + " did not start: " +
                    (status.err_msg ? status.err_msg : "it asked to exit"));
}

/// NumPy's and PyTorch's libraries take libpython's symbols from the process: they must be global even where libpython came
/// in as a dependency of something that was opened locally.
void make_libpython_global() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&Py_GetVersion), &info) != 0 && info.dli_fname) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  }
}

void initialise(const PythonChoice& choice) {
  PyPreConfig before;
  PyPreConfig_InitPythonConfig(&before);
  before.utf8_mode = 1;         // text is UTF-8 whatever the locale
  before.configure_locale = 0;  // the locale is the host's
  before.coerce_c_locale = 0;
  before.parse_argv = 0;
  demand(Py_PreInitialize(&before), choice);

  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.parse_argv = 0;
  config.install_signal_handlers = 0;
  config.faulthandler = 0;
  config.configure_c_stdio = 0;  // PYTHONUNBUFFERED is not for the host's streams
  config.pathconfig_warnings = 0;
  PyStatus status = PyConfig_SetBytesString(&config, &config.executable, started_executable(choice).c_str());
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  demand(status, choice);
}

/// CPython falls back to another installation without a word when the executable is not what it seems.
void check_prefix(const PythonChoice& choice) {
  PyObject* prefix = PySys_GetObject("prefix");
  const std::string found = prefix ? from_text(prefix, "reading sys.prefix") : "";
  if (choice.prefix.empty() || !choice.start_executable.empty()) return;
  std::error_code ignored;
  if (!std::filesystem::equivalent(found, choice.prefix, ignored)) {
    throw PluginError("Python " + choice.executable.string() + " started with the wrong environment: expected " +
                      choice.prefix + ", found " + found);
  }
}

/// Imports that have to happen on this thread: `threading` takes the thread that imports it first as the main one.
void import_process_wide_modules() {
  static Name set_executable("set_executable");
  import_module("threading");
  import_module("signal");
  const PyRef spawn = import_module("multiprocessing.spawn");
  PyObject* executable = PySys_GetObject("executable");
  // Workers are started by the real Python: with the host's binary they would run the host again.
  if (executable) call_method(spawn.get(), set_executable, {executable}, "setting multiprocessing's executable");
}

/// The packages of the chosen environment, when another installation of the same version was started in its place.
void use_packages_of(const PythonChoice& choice) {
  static Name add("addsitedir"), own("getsitepackages"), remove("remove");
  const PyRef site = import_module("site");
  PyObject* path = PySys_GetObject("path");
  const PyRef folders = call_method(site.get(), own, {}, "finding Python's own packages");
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(folders.get()); ++i) {
    PyObject* folder = PyList_GET_ITEM(folders.get(), i);
    const int there = PySequence_Contains(path, folder);
    check(there, "reading sys.path");
    if (there == 1) call_method(path, remove, {folder}, "changing sys.path");
  }
  for (const std::string& folder : choice.site_packages) {
    call_method(site.get(), add, {to_text(folder).get()}, "adding " + folder);
  }
}

/// Makes the package `ophion` importable: this library's own comes first where Ophion owns Python, last in a host's.
void add_own_package(bool first) {
  const PyRef folder = to_text(package_folder().string());
  PyObject* path = PySys_GetObject("path");
  if (!path || !PyList_Check(path)) throw PluginError("Python has no sys.path");
  const int there = PySequence_Contains(path, folder.get());
  check(there, "reading sys.path");
  if (there == 1) return;
  check(first ? PyList_Insert(path, 0, folder.get()) : PyList_Append(path, folder.get()), "changing sys.path");
}

/// A closed pipe shall be an exception in Python, not the end of the host.
void ignore_closed_pipes() {
  if (!runtime_options().ignore_sigpipe) return;
  struct sigaction action {};
  sigaction(SIGPIPE, nullptr, &action);
  if (action.sa_handler != SIG_DFL) return;
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

/// Everything the thread that owns Python does; afterwards it waits for ever.
void own_python(const PythonChoice& choice, std::promise<void> started) {
  try {
    {
      const HostSignals kept;
      initialise(choice);
      try {
        check_prefix(choice);
        import_process_wide_modules();
        if (!choice.start_executable.empty()) use_packages_of(choice);
        add_own_package(true);
        install_output();
      } catch (...) {
        PyEval_SaveThread();
        throw;
      }
      PyEval_SaveThread();
    }
    started.set_value();
  } catch (...) {
    started.set_exception(std::current_exception());
  }
  for (;;) pause();
}

PyObject* host_ends_python(PyObject*, PyObject*) {
  detail::python_state = PythonState::stopped;
  Py_RETURN_NONE;
}

/// A Python that is not ours runs in this process: its streams, handlers and end are its owner's.
void attach() {
  const PyGILState_STATE token = PyGILState_Ensure();
  try {
    static PyMethodDef at_end{"ophion_stop", host_ends_python, METH_NOARGS, nullptr};
    static Name register_name("register");
    const PyRef hook = check(PyCFunction_New(&at_end, nullptr), "attaching to Python");
    call_method(import_module("atexit").get(), register_name, {hook.get()}, "attaching to Python");
    add_own_package(false);
    auto expected = PythonState::not_started;
    detail::python_state.compare_exchange_strong(expected, PythonState::hosts);
  } catch (...) {
    PyGILState_Release(token);
    throw;
  }
  PyGILState_Release(token);
}

/// Why Python could not be started: a second try can't do better.
std::exception_ptr failure;
std::mutex starting;
std::atomic<bool> own_start_begun{false};

void start_own(const PythonChoice& choice) {
  make_libpython_global();
  look_for_openmp();  // the host's, before PyTorch comes with its own
  std::promise<void> promise;
  std::future<void> started = promise.get_future();
  {
    const SignalsBlocked blocked;
    std::thread(own_python, choice, std::move(promise)).detach();
  }
  started.get();
  ignore_closed_pipes();
  stop_python_at_exit();
  detail::python_state = PythonState::ours;
}

}  // namespace

void start_python(const PythonChoice& choice) {
  if (python_running()) return;
  if (python_state() == PythonState::stopped) throw Error("Python has been stopped: the process is ending");
  // Where a host's Python runs, its GIL may be held here: then no lock may be waited for. Attaching twice does no harm.
  if (Py_IsInitialized() && !own_start_begun) {
    make_libpython_global();
    look_for_openmp();
    attach();
    return;
  }
  const std::lock_guard lock(starting);
  if (python_running()) return;
  if (failure) std::rethrow_exception(failure);
  own_start_begun = true;
  try {
    start_own(choice);
  } catch (...) {
    failure = std::current_exception();
    throw;
  }
}

void ensure_python() {
  if (!python_running()) start_python(open_python());
}

}  // namespace ophion
