/// Python functions as C++ calls them: found and checked once, called often.
#include "cpython.h"

#include <ophion/function.h>

#include <optional>
#include <vector>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "array.h"
#include "call.h"
#include "guest.h"
#include "loan.h"
#include "numpy_api.h"
#include "scope.h"
#include "value.h"

namespace ophion::detail {
namespace {

constexpr std::size_t few = 6;  // arguments without an allocation

/// Owned references in the layout that vectorcall wants: the first place is for Python's own use. With the GIL held.
class Arguments {
 public:
  explicit Arguments(std::size_t count) {
    if (count > few) many_.resize(count + 1);
  }
  ~Arguments() {
    for (std::size_t i = 0; i < count_; ++i) Py_DECREF(begin()[i]);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  PyObject** begin() noexcept { return (many_.empty() ? here_ : many_.data()) + 1; }
  void push(PyObject* owned) noexcept { begin()[count_++] = owned; }
  PyObject* call(PyObject* function) noexcept {
    return PyObject_Vectorcall(function, begin(), count_ | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  }

 private:
  PyObject* here_[few + 1];
  std::vector<PyObject*> many_;
  std::size_t count_ = 0;
};

PyRef finder(Name& function) { return attribute(import_module("ophion._named").get(), function, "looking into ophion._named"); }

/// The file of an entry that names one: "bends.py".
std::optional<std::string> script_of(const Value& entry) {
  const Value* file = entry.is_object() ? entry.find("file") : &entry;
  if (!file || !file->is_text() || file->as_text().find(".py") == std::string::npos) return std::nullopt;
  const std::string name = std::filesystem::path(file->as_text()).filename().string();
  return name.substr(0, name.find(':'));
}

/// What the function returned as an array of numbers, one for each that is wanted.
PyRef to_numbers(PyObject* returned, std::size_t count, DType type, const std::string& who) {
  PyRef array = check(PyArray_FromAny(returned, nullptr, 0, 0, 0, nullptr), who);
  const std::string expected = "expected an array of " + std::to_string(count) + " numbers";
  if (PyArray_NDIM(as_array(array)) != 1 || PyArray_DIM(as_array(array), 0) != static_cast<npy_intp>(count)) {
    throw Error(who + ": " + expected + ", found " + Py_TYPE(returned)->tp_name + " of shape " + shape_name(array.get()));
  }
  const PyRef wanted = PyRef::steal(reinterpret_cast<PyObject*>(PyArray_DescrFromType(numpy_type(type))));
  auto* description = reinterpret_cast<PyArray_Descr*>(wanted.get());
  if (!dtype_of_array(array.get()) || !PyArray_CanCastTypeTo(PyArray_DESCR(as_array(array)), description, NPY_SAME_KIND_CASTING)) {
    throw Error(who + ": " + expected + " of type " + name_of(type) + ", found " + dtype_name(array.get()));
  }
  return array;
}

}  // namespace

std::shared_ptr<const Callable> Callable::find(const Value& entry, const std::filesystem::path& folder, std::size_t arguments) {
  static Name function("function");
  const PythonScope python;
  const PyRef found = [&] {
    const std::optional<std::string> script = script_of(entry);  // its code runs now
    std::optional<Guest> guest;
    if (script) guest.emplace(*script + ": import", Guest::Call::any_other);
    return ophion::call(finder(function).get(),
                {to_builtin(entry).get(), to_text(folder.string()).get(), make_int(static_cast<long long>(arguments)).get()},
                "looking for a function");
  }();
  PyObject *callable = nullptr, *script = nullptr, *name = nullptr;
  if (!PyArg_ParseTuple(found.get(), "OOU", &callable, &script, &name)) throw_python_error("looking for a function");
  return std::shared_ptr<const Callable>(
      new Callable(Object::borrow(callable), Object::borrow(script), from_text(name, "looking for a function")));
}

std::shared_ptr<const Callable> Callable::from_entry(const Value& entry, const std::filesystem::path& folder, std::size_t arguments) {
  try {
    return find(entry, folder, arguments);
  } catch (const ConfigError& error) {
    if (!error.pointer().empty()) throw;
    throw Error(error.problem());  // a name of the program's own
  }
}

std::shared_ptr<const Callable> Callable::from_file(const std::filesystem::path& script, const std::string& name,
                                                    std::size_t arguments) {
  Value entry = Value::object();
  entry.set("file", script.string());
  entry.set("name", name);
  try {
    return find(entry, {}, arguments);
  } catch (const ConfigError& error) {
    throw Error(error.problem());
  }
}

std::shared_ptr<const Callable> Callable::from_object(const Object& object, std::size_t arguments) {
  static Name checked("checked");
  const PythonScope python;
  if (!object) throw Error("expected a callable, found an empty Object");
  try {
    const PyRef name = ophion::call(finder(checked).get(), {object.get(), make_int(static_cast<long long>(arguments)).get()}, "checking a callable");
    return std::shared_ptr<const Callable>(new Callable(object, Object(), from_text(name.get(), "checking a callable")));
  } catch (const ConfigError& error) {
    throw Error(error.problem());
  }
}

void Callable::after_call() const {
  if (called_.load(std::memory_order_relaxed) || called_.exchange(true)) return;
  renew_exit_hook();  // functions import what they need in their first call
}

Object Callable::call(std::span<const Object> arguments) const {
  Arguments all(arguments.size());
  for (const Object& one : arguments) all.push(Py_NewRef(one.get()));
  PyRef result = check(all.call(function_.get()), call_text_);
  after_call();
  return to_object(std::move(result));
}

_object* Callable::call_with(std::span<const double> numbers) const {
  Arguments all(numbers.size());
  for (const double one : numbers) {
    PyObject* number = PyFloat_FromDouble(one);
    if (!number) [[unlikely]] throw_python_error(call_text_);
    all.push(number);
  }
  PyObject* result = all.call(function_.get());
  if (!result) [[unlikely]] throw_python_error(call_text_);
  after_call();
  return result;
}

double Callable::call(std::span<const double> numbers) const {
  const PythonLock python;
  PyObject* result = call_with(numbers);
  if (!PyFloat_CheckExact(result)) [[unlikely]] return take_double(PyRef::steal(result).get(), Place(call_text_));
  const double number = PyFloat_AS_DOUBLE(result);
  Py_DECREF(result);  // the GIL is held: no need to ask for it, as a PyRef does
  return number;
}

float Callable::call_float(std::span<const double> numbers) const {
  const PythonLock python;
  const PyRef result = PyRef::steal(call_with(numbers));
  return take_float(result.get(), Place(call_text_));
}

void Callable::map(std::span<const Column> in, DType type, void* out, std::size_t count) const {
  for (const Column& one : in) {
    if (one.rows == count) continue;
    throw Error(call_text_ + ": expected arrays of one length, found " + std::to_string(one.rows) + " numbers to put in and " +
                std::to_string(count) + " to come out");
  }
  const PythonLock python;
  ensure_numpy();
  Loan loan;
  {
    Arguments all(in.size());
    for (const Column& one : in) all.push(loan.lend(one).release());
    const PyRef returned = check(all.call(function_.get()), call_text_);
    after_call();
    const PyRef numbers = to_numbers(returned.get(), count, type, call_text_);
    auto shape = static_cast<npy_intp>(count);
    const PyRef target = check(PyArray_New(&PyArray_Type, 1, &shape, numpy_type(type), nullptr, out, 0, NPY_ARRAY_CARRAY, nullptr), call_text_);
    check(PyArray_CopyInto(as_array(target), as_array(numbers)), call_text_);
  }
  if (loan.returned()) return;
  const std::size_t colon = call_text_.find(": ");  // "bends.py: bend()"
  const std::string function = call_text_.substr(colon == std::string::npos ? 0 : colon + 2);
  loan.demand_back(colon == std::string::npos ? "Python" : call_text_.substr(0, colon), function.substr(0, function.size() - 2).c_str());
}

KeptError::~KeptError() {
  if (!error_) return;
  try {
    std::rethrow_exception(error_);
  } catch (const std::exception& error) {
    log(LogLevel::warning, "an exception in a callback that nobody asked for: " + std::string(error.what()));
  } catch (...) {
    log(LogLevel::warning, "an exception in a callback that nobody asked for: " + whose_);
  }
}

void KeptError::keep() noexcept {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::current_exception();
  kept_ = true;
}

void KeptError::rethrow() {
  if (!kept()) return;
  std::exception_ptr error;
  {
    const std::lock_guard lock(mutex_);
    error = std::exchange(error_, nullptr);
    kept_ = false;
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace ophion::detail
