/// The pieces that values are converted with. All of it with the GIL held.
#include "cpython.h"

#include <ophion/convert.h>

#include <cmath>
#include <limits>

#include <ophion/error.h>

#include "call.h"
#include "value.h"

namespace ophion {
namespace {

constexpr int deepest = 64;  // as for JSON; a dict that holds itself ends here

/// repr(key), with double quotes around text.
std::string key_text(PyObject* key) {
  const bool is_text = PyUnicode_Check(key) != 0;
  const PyRef shown = PyRef::steal(is_text ? PyObject_Str(key) : PyObject_Repr(key));
  const PyRef bytes = shown ? PyRef::steal(PyUnicode_AsEncodedString(shown.get(), "utf-8", "backslashreplace")) : PyRef();
  if (!bytes) {
    PyErr_Clear();
    return "?";
  }
  const std::string text = PyBytes_AS_STRING(bytes.get());
  return is_text ? '"' + text + '"' : text;
}

/// "str", "numpy.ndarray", "None".
std::string found_text(PyObject* object) { return object == Py_None ? "None" : Py_TYPE(object)->tp_name; }

/// An error that Python raised while it converted something: "Angle (ValueError: …)"; what stops a program goes on.
[[noreturn]] void refuse_with_exception(const Place& place, const std::string& expected, PyObject* object) {
  try {
    throw_python_error("converting " + place.text());
  } catch (const PythonError& error) {
    place.refuse(expected, found_text(object) + " (" + error.type() + ": " + error.message() + ")");
  }
}

/// NumPy's bool_, without NumPy: its name has changed with version 2.
bool is_numpy_bool(PyObject* object) {
  const std::string_view name = Py_TYPE(object)->tp_name;
  return name == "numpy.bool_" || name == "numpy.bool";
}

/// int, or what says by __index__ that it is one; truth values and whatever else is refused.
PyRef to_integer(PyObject* object, const Place& place, const std::string& expected) {
  if (PyBool_Check(object) || !PyIndex_Check(object)) place.refuse(expected, object);
  PyRef number = PyRef::steal(PyNumber_Index(object));
  if (!number) refuse_with_exception(place, expected, object);  // an array, say, has __index__ but is no number
  return number;
}

std::string range_text(const std::string& least, const std::string& most) { return "int from " + least + " to " + most; }

/// An int too long for its digits to be of use is told by its bits.
std::string integer_text(PyObject* number) {
  static Name bit_length("bit_length");
  const PyRef bits = call_method(number, bit_length, {}, "measuring an int");
  const long count = PyLong_AsLong(bits.get());
  if (count > 128) return "one of " + std::to_string(count) + " bits";
  return from_text(check(PyObject_Str(number), "writing an int").get(), "writing an int");
}

}  // namespace

Place::Place(const Place& outer, std::size_t index, _object* key) : outer_(&outer), index_(index), key_(key), depth_(outer.depth_ + 1) {
  if (depth_ > deepest) throw Error(outer.text() + ": nested deeper than " + std::to_string(deepest));
}

std::string Place::text() const {
  if (!outer_) return std::string(root_);
  return outer_->text() + '[' + (key_ ? key_text(key_) : std::to_string(index_)) + ']';
}

void Place::refuse(const std::string& expected, _object* found) const { refuse(expected, found_text(found)); }

void Place::refuse(const std::string& expected, const std::string& found) const {
  throw Error(text() + ": expected " + expected + ", found " + found);
}

namespace detail {

Object make_none() { return Object::borrow(Py_None); }
Object make_bool(bool truth) { return Object::borrow(truth ? Py_True : Py_False); }
Object make_int(long long number) { return to_object(check(PyLong_FromLongLong(number), "making an int")); }
Object make_int(unsigned long long number) { return to_object(check(PyLong_FromUnsignedLongLong(number), "making an int")); }
Object make_float(double number) { return to_object(check(PyFloat_FromDouble(number), "making a float")); }
Object make_text(std::string_view text) { return to_object(to_text(text)); }
Object make_value(const Value& value) { return to_object(to_builtin(value)); }

Object make_bytes(const std::byte* bytes, std::size_t size) {
  const char* characters = reinterpret_cast<const char*>(bytes);
  return to_object(check(PyBytes_FromStringAndSize(characters, static_cast<Py_ssize_t>(size)), "making bytes"));
}

bool is_none(_object* object) noexcept { return object == Py_None; }

bool take_bool(_object* object, const Place& place) {
  if (PyBool_Check(object)) return object == Py_True;
  if (!is_numpy_bool(object)) place.refuse("bool", object);
  const int truth = PyObject_IsTrue(object);
  check(truth, "reading a truth value");
  return truth == 1;
}

long long take_int(_object* object, const Place& place, long long least, long long most) {
  const PyRef number = to_integer(object, place, "int");
  int overflow = 0;
  const long long taken = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
  if (overflow != 0 || taken < least || taken > most) {
    place.refuse(range_text(std::to_string(least), std::to_string(most)), integer_text(number.get()));
  }
  return taken;
}

unsigned long long take_unsigned(_object* object, const Place& place, unsigned long long most) {
  const PyRef number = to_integer(object, place, "int");
  const unsigned long long taken = PyLong_AsUnsignedLongLong(number.get());
  const bool overflow = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (overflow || taken > most) place.refuse(range_text("0", std::to_string(most)), integer_text(number.get()));
  return taken;
}

double take_double(_object* object, const Place& place) {
  if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
  const PyNumberMethods* as_number = Py_TYPE(object)->tp_as_number;
  if (PyBool_Check(object) || !as_number || (!as_number->nb_float && !as_number->nb_index)) place.refuse("float", object);
  const double number = PyFloat_AsDouble(object);
  if (number == -1 && PyErr_Occurred()) refuse_with_exception(place, "float", object);
  return number;
}

float take_float(_object* object, const Place& place) {
  const double number = take_double(object, place);
  if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) {
    place.refuse("float of 32 bits", from_text(check(PyObject_Repr(object), "writing a number").get(), "writing a number"));
  }
  return static_cast<float>(number);
}

std::string take_text(_object* object, const Place& place) {
  if (!PyUnicode_Check(object)) place.refuse("str", object);
  const PyRef bytes = PyRef::steal(PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape"));
  if (!bytes) refuse_with_exception(place, "str", object);
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

std::vector<std::byte> take_bytes(_object* object, const Place& place) {
  Py_buffer view;
  if (!PyObject_CheckBuffer(object)) place.refuse("bytes", object);
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) refuse_with_exception(place, "bytes", object);
  const auto* first = static_cast<const std::byte*>(view.buf);
  std::vector<std::byte> bytes;
  try {
    bytes.assign(first, first + view.len);
  } catch (...) {
    PyBuffer_Release(&view);
    throw;
  }
  PyBuffer_Release(&view);
  return bytes;
}

Value take_value(_object* object, const Place& place) { return to_value(object, place); }

}  // namespace detail
}  // namespace ophion
