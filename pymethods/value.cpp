/// Value ↔ Python.
#include "value.h"

#include <cstdint>
#include <limits>

#include "call.h"

namespace ophion {
namespace {

Value convert_list(PyObject* sequence, const Place& place) {
  const detail::Items items(sequence, place);
  Value list = Value::array();
  for (std::size_t i = 0; i < items.size(); ++i) list.push_back(to_value(items[i], Place(place, i)));
  return list;
}

Value convert_dict(PyObject* dict, const Place& place) {
  const detail::Entries entries(dict, place);
  Value object = Value::object();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Place inner(place, entries.key(i));
    if (!PyUnicode_Check(entries.key(i))) inner.refuse("a key of type str", entries.key(i));
    object.set(detail::take_text(entries.key(i), inner), to_value(entries.value(i), inner));
  }
  return object;
}

PyRef to_list(const Value::Array& items) {
  PyRef list = check(PyList_New(static_cast<Py_ssize_t>(items.size())), "making a list");
  for (std::size_t i = 0; i < items.size(); ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_builtin(items[i]).release());
  }
  return list;
}

PyRef to_dict(const Value::Object& members) {
  PyRef dict = check(PyDict_New(), "making a dict");
  for (const auto& [key, value] : members) {
    check(PyDict_SetItem(dict.get(), to_text(key).get(), to_builtin(value).get()), "filling a dict");
  }
  return dict;
}

}  // namespace

PyRef to_builtin(const Value& value) {
  switch (value.type()) {
    case Value::Type::boolean: return check(PyBool_FromLong(value.as_boolean()), "making a bool");
    case Value::Type::integer: return check(PyLong_FromLongLong(value.as_integer()), "making an int");
    case Value::Type::real: return check(PyFloat_FromDouble(value.as_number()), "making a float");
    case Value::Type::text: return to_text(value.as_text());
    case Value::Type::array: return to_list(value.as_array());
    case Value::Type::object: return to_dict(value.as_object());
    case Value::Type::null: break;
  }
  return PyRef::borrow(Py_None);
}

PyRef to_texts(const std::vector<std::string>& texts, bool as_tuple) {
  PyRef list = check(PyList_New(static_cast<Py_ssize_t>(texts.size())), "making a list");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_text(texts[i]).release());
  }
  return as_tuple ? check(PyList_AsTuple(list.get()), "making a tuple") : std::move(list);
}

Value to_value(PyObject* object, const Place& place) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (object == Py_None) return Value();
  if (PyBool_Check(object)) return Value(object == Py_True);
  if (PyLong_Check(object)) return Value(detail::take_int(object, place, Limits::min(), Limits::max()));
  if (PyFloat_Check(object)) return Value(PyFloat_AS_DOUBLE(object));
  if (PyUnicode_Check(object)) return Value(detail::take_text(object, place));
  if (PyDict_Check(object)) return convert_dict(object, place);
  if (PyList_Check(object) || PyTuple_Check(object)) return convert_list(object, place);
  // NumPy's scalars and arrays, known by what turns them into Python's own: no NumPy is needed to hold a Value.
  static Name to_list("tolist"), type_of_numbers("dtype");
  const PyRef converter = optional_attribute(object, to_list);
  if (!converter || !optional_attribute(object, type_of_numbers)) {
    place.refuse("None, bool, int, float, str, list, tuple or dict", object);
  }
  const PyRef plain = call(converter.get(), {}, "converting " + place.text());
  if (PyLong_Check(plain.get()) || PyFloat_Check(plain.get()) || PyUnicode_Check(plain.get()) || PyList_Check(plain.get())) {
    return to_value(plain.get(), place);
  }
  place.refuse("None, bool, int, float, str, list, tuple or dict", object);  // a date, a complex number
}

}  // namespace ophion
