/// Takes a Python exception apart while the GIL is held, so that nothing of Python is left in the C++ one.
#include "error.h"

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ophion/error.h>

#include "call.h"

namespace ophion {
namespace {

constexpr long most_frames = 60;  // of a traceback: the last ones; endless recursion leaves a thousand
constexpr std::size_t most_causes = 16;

/// "mlp.TooFew" for "ophion._scripts.s3_oruxg5a.mlp.TooFew": where a script's modules live is no news to its author.
std::string without_package(std::string text) {
  static const std::string package = "ophion._scripts.s";
  for (std::size_t at = 0; (at = text.find(package, at)) != std::string::npos;) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at + package.size());
    if (end != std::string::npos && text[end] == '.') text.erase(at, end + 1 - at);
    else at += package.size();
  }
  return text;
}

/// str(object) whatever it holds: what can't be written as UTF-8 is escaped, and a broken __str__ is said to be one.
std::string shown(PyObject* object) {
  const PyRef text = PyRef::steal(PyObject_Str(object));
  const PyRef bytes =
      text ? PyRef::steal(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace")) : PyRef();
  if (!bytes) {
    PyErr_Clear();
    return "<str() failed>";
  }
  return without_package({PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))});
}

/// "ValueError", "json.decoder.JSONDecodeError": as a traceback names it.
std::string type_name(PyObject* exception) {
  static Name qualified_name("__qualname__"), module_name("__module__");
  auto* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  const PyRef name = optional_attribute(type, qualified_name);
  const PyRef module = optional_attribute(type, module_name);
  const std::string text = name ? shown(name.get()) : Py_TYPE(exception)->tp_name;
  const std::string home = module ? shown(module.get()) : "builtins";
  return home == "builtins" || home == "__main__" ? text : home + "." + text;
}

std::string message_of(PyObject* exception) {
  if (!PyErr_GivenExceptionMatches(exception, PyExc_SystemExit)) return shown(exception);
  static Name code_name("code");
  const PyRef code = optional_attribute(exception, code_name);
  std::string message = "the script asked the process to exit with code ";
  if (!code || code.get() == Py_None) return message + "0";
  if (PyLong_Check(code.get())) return message + shown(code.get());
  return message + "1: " + shown(code.get());  // sys.exit("text") prints the text and exits with 1
}

/// The chain as a traceback shows it: `raise … from`, or what was being handled, until `from None`.
std::vector<PythonError::Cause> causes_of(PyObject* exception) {
  static Name suppress("__suppress_context__");
  std::vector<PythonError::Cause> causes;
  PyRef current = PyRef::borrow(exception);
  while (causes.size() < most_causes) {
    PyRef next = PyRef::steal(PyException_GetCause(current.get()));
    if (!next) {
      const PyRef suppressed = optional_attribute(current.get(), suppress);
      if (suppressed.get() != Py_True) next = PyRef::steal(PyException_GetContext(current.get()));
    }
    if (!next) break;
    causes.push_back({type_name(next.get()), message_of(next.get())});
    current = std::move(next);
  }
  return causes;
}

/// "".join(traceback.format_exception(exception, limit=-60)), or nothing where that fails.
std::string formatted(PyObject* exception) {
  const PyRef module = PyRef::steal(PyImport_ImportModule("traceback"));
  static Name format("format_exception");
  const PyRef function = module ? PyRef::steal(PyObject_GetAttr(module.get(), format.get())) : PyRef();
  const PyRef arguments = function ? PyRef::steal(PyTuple_Pack(1, exception)) : PyRef();
  const PyRef keywords = arguments ? PyRef::steal(Py_BuildValue("{s:l}", "limit", -most_frames)) : PyRef();
  const PyRef lines = keywords ? PyRef::steal(PyObject_Call(function.get(), arguments.get(), keywords.get())) : PyRef();
  const PyRef nothing = lines ? PyRef::steal(PyUnicode_FromString("")) : PyRef();
  const PyRef text = nothing ? PyRef::steal(PyUnicode_Join(nothing.get(), lines.get())) : PyRef();
  if (!text) {
    PyErr_Clear();
    return {};
  }
  return shown(text.get());
}

/// Whether the exception is of a class of ophion.errors, without importing that: whoever raised one has it.
bool is_of_ours(PyObject* exception, Name& class_name) {
  PyObject* modules = PyImport_GetModuleDict();
  PyObject* errors = modules ? PyDict_GetItemString(modules, "ophion.errors") : nullptr;
  const PyRef type = errors ? optional_attribute(errors, class_name) : PyRef();
  return type && PyErr_GivenExceptionMatches(exception, type.get());
}

constexpr const char* capsule_name = "ophion.cpp_exception";

/// Throws the C++ exception that an ophion.errors.CppError stands for; one that Python code made stands for none.
void rethrow_cpp_error(PyObject* exception) {
  static Name held("held");
  const PyRef capsule = optional_attribute(exception, held);
  if (!capsule || !PyCapsule_IsValid(capsule.get(), capsule_name)) return;
  std::rethrow_exception(*static_cast<std::exception_ptr*>(PyCapsule_GetPointer(capsule.get(), capsule_name)));
}

/// A capsule that owns the exception being handled.
PyRef hold_exception() {
  auto held = std::make_unique<std::exception_ptr>(std::current_exception());
  PyRef capsule = check(PyCapsule_New(held.get(), capsule_name,
                                      [](PyObject* object) {
                                        delete static_cast<std::exception_ptr*>(PyCapsule_GetPointer(object, capsule_name));
                                      }),
                        "keeping a C++ exception");
  held.release();
  return capsule;
}

std::string message_of_current() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "a C++ exception of an unknown type";
  }
}

/// The exception that the indicator holds, with its traceback attached; the indicator is clear afterwards.
PyRef take_exception() {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (value && traceback) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return PyRef::steal(value);
}

}  // namespace

void throw_python_error(std::string_view doing) {
  const PyRef held = take_exception();
  PyObject* exception = held.get();
  const std::string activity(doing);
  if (!exception) {
    throw PythonError(activity, "SystemError", "a call failed without saying why", "", {});
  }
  static Name option_error("OptionError"), data_error("DataError");
  if (is_of_ours(exception, option_error)) {
    static Name pointer_name("pointer"), problem_name("problem");
    const PyRef pointer = optional_attribute(exception, pointer_name);
    const PyRef problem = optional_attribute(exception, problem_name);
    throw ConfigError("", pointer ? shown(pointer.get()) : "", shown(problem ? problem.get() : exception));
  }
  static Name cpp_error("CppError");
  if (is_of_ours(exception, cpp_error)) rethrow_cpp_error(exception);
  if (is_of_ours(exception, data_error)) throw DataError(shown(exception));
  if (PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)) throw Interrupted(activity + ": interrupted");
  std::string type = type_name(exception);
  std::string message = message_of(exception);
  std::string traceback = formatted(exception);
  if (traceback.empty()) traceback = type + ": " + message + "\n";
  std::vector<PythonError::Cause> causes = causes_of(exception);
  throw PythonError(activity, std::move(type), std::move(message), std::move(traceback), std::move(causes));
}

void raise_in_python() noexcept {
  try {
    static Name class_name("CppError");
    const PyRef type = attribute(import_module("ophion.errors").get(), class_name, "raising a C++ exception");
    const PyRef exception = call(type.get(), {to_text(message_of_current()).get(), hold_exception().get()}, "raising a C++ exception");
    PyErr_SetObject(type.get(), exception.get());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "a C++ exception that could not be kept");
  }
}

}  // namespace ophion
