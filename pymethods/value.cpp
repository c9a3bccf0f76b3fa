/// Value ↔ Python.
#include "value.h"

#include <ophion/error.h>

#include "call.h"

namespace ophion {
namespace {

constexpr int deepest = 64;  // as for JSON; a dict that holds itself ends here

Value convert(PyObject* object, const std::string& doing, const std::string& place, int depth);

Value convert_sequence(PyObject* sequence, const std::string& doing, const std::string& place, int depth) {
  const PyRef items = check(PySequence_Fast(sequence, "not a sequence"), doing);
  Value list = Value::array();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    const PyRef item = PyRef::borrow(PySequence_Fast_GET_ITEM(items.get(), i));
    list.push_back(convert(item.get(), doing, place + "/" + std::to_string(i), depth + 1));
  }
  return list;
}

Value convert_dict(PyObject* dict, const std::string& doing, const std::string& place, int depth) {
  const PyRef items = check(PyDict_Items(dict), doing);
  Value object = Value::object();
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    PyObject* key = PyTuple_GET_ITEM(pair, 0);
    if (!PyUnicode_Check(key)) {
      throw Error(doing + " " + place + ": keys must be text, found one of type '" + Py_TYPE(key)->tp_name + "'");
    }
    const std::string name = from_text(key, doing);
    object.set(name, convert(PyTuple_GET_ITEM(pair, 1), doing, place + "/" + name, depth + 1));
  }
  return object;
}

Value convert_integer(PyObject* number, const std::string& doing, const std::string& place) {
  int overflow = 0;
  const long long converted = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow != 0) throw Error(doing + " " + place + ": an integer beyond 64 bits");
  if (converted == -1 && PyErr_Occurred()) throw_python_error(doing);
  return Value(converted);
}

Value convert(PyObject* object, const std::string& doing, const std::string& place, int depth) {
  if (depth > deepest) throw Error(doing + " " + place + ": nested deeper than " + std::to_string(deepest));
  if (object == Py_None) return Value();
  if (PyBool_Check(object)) return Value(object == Py_True);
  if (PyLong_Check(object)) return convert_integer(object, doing, place);
  if (PyFloat_Check(object)) return Value(PyFloat_AS_DOUBLE(object));
  if (PyUnicode_Check(object)) return Value(from_text(object, doing));
  if (PyDict_Check(object)) return convert_dict(object, doing, place, depth);
  if (PyList_Check(object) || PyTuple_Check(object)) return convert_sequence(object, doing, place, depth);
  // NumPy's scalars and arrays, known by what turns them into Python's own: no NumPy is needed to hold a Value.
  static Name to_list("tolist"), type_of_numbers("dtype");
  const PyRef converter = optional_attribute(object, to_list);
  if (converter && optional_attribute(object, type_of_numbers)) {
    return convert(call(converter.get(), {}, doing).get(), doing, place, depth + 1);
  }
  throw Error(doing + " " + place + ": a value of type '" + Py_TYPE(object)->tp_name +
              "', expected None, a truth value, a number, text, a list or a dict");
}

PyRef list_to_python(const Value::Array& items) {
  PyRef list = check(PyList_New(static_cast<Py_ssize_t>(items.size())), "making a list");
  for (std::size_t i = 0; i < items.size(); ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_python(items[i]).release());
  }
  return list;
}

PyRef object_to_python(const Value::Object& members) {
  PyRef dict = check(PyDict_New(), "making a dict");
  for (const auto& [key, value] : members) {
    check(PyDict_SetItem(dict.get(), to_text(key).get(), to_python(value).get()), "filling a dict");
  }
  return dict;
}

}  // namespace

PyRef to_python(const Value& value) {
  switch (value.type()) {
    case Value::Type::boolean: return check(PyBool_FromLong(value.as_boolean()), "making a bool");
    case Value::Type::integer: return check(PyLong_FromLongLong(value.as_integer()), "making an int");
    case Value::Type::real: return check(PyFloat_FromDouble(value.as_number()), "making a float");
    case Value::Type::text: return to_text(value.as_text());
    case Value::Type::array: return list_to_python(value.as_array());
    case Value::Type::object: return object_to_python(value.as_object());
    case Value::Type::null: break;
  }
  return PyRef::borrow(Py_None);
}

PyRef to_python(const std::vector<std::string>& texts, bool as_tuple) {
  PyRef list = check(PyList_New(static_cast<Py_ssize_t>(texts.size())), "making a list");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), to_text(texts[i]).release());
  }
  return as_tuple ? check(PyList_AsTuple(list.get()), "making a tuple") : std::move(list);
}

Value to_value(PyObject* object, const std::string& doing) { return convert(object, doing, "", 0); }

}  // namespace ophion
