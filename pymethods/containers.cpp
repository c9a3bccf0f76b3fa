/// Lists, tuples and dicts: made, and taken apart. All of it with the GIL held.
#include "cpython.h"

#include <ophion/convert.h>

#include "call.h"

namespace ophion::detail {
namespace {

bool is_sequence(PyObject* object) {
  static PyObject* sequence = [] {  // kept for ever
    static Name name("Sequence");
    return attribute(import_module("collections.abc").get(), name, "looking for collections.abc.Sequence").release();
  }();
  const int is_one = PyObject_IsInstance(object, sequence);
  check(is_one, "asking whether something is a sequence");
  return is_one == 1;
}

/// A list, for what holds numbers and says so: NumPy's arrays, tensors, series. Nothing for all else.
PyRef list_of_numbers(PyObject* object, const Place& place) {
  static Name to_list("tolist"), type_of_numbers("dtype");
  const PyRef converter = optional_attribute(object, to_list);
  if (!converter || !optional_attribute(object, type_of_numbers)) return PyRef();
  PyRef list = call(converter.get(), {}, "converting " + place.text());
  if (!PyList_Check(list.get())) place.refuse("list", object);  // one number
  return list;
}

/// What is converted may run code of its own, which may change a list: a tuple stays as it is.
Object to_tuple(PyObject* object, const Place& place) {
  if (PyTuple_Check(object)) return Object::borrow(object);
  const bool is_text = PyUnicode_Check(object) || PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object);
  PyRef list;
  if (!PyList_Check(object) && !is_text) list = list_of_numbers(object, place);
  if (!list && (is_text || (!PyList_Check(object) && !is_sequence(object)))) place.refuse("list", object);
  return to_object(check(PySequence_Tuple(list ? list.get() : object), "converting " + place.text()));
}

std::string length_text(std::size_t size) { return "list of " + std::to_string(size); }

}  // namespace

Object make_list(std::size_t size) { return to_object(check(PyList_New(static_cast<Py_ssize_t>(size)), "making a list")); }

void set_in_list(const Object& list, std::size_t index, Object item) {
  PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(index), item.release());
}

Object make_tuple(std::size_t size) { return to_object(check(PyTuple_New(static_cast<Py_ssize_t>(size)), "making a tuple")); }

void set_in_tuple(const Object& tuple, std::size_t index, Object item) {
  PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(index), item.release());
}

Object make_dict() { return to_object(check(PyDict_New(), "making a dict")); }

void set_in_dict(const Object& dict, const Object& key, const Object& value) {
  check(PyDict_SetItem(dict.get(), key.get(), value.get()), "filling a dict");
}

Items::Items(_object* object, const Place& place) : tuple_(to_tuple(object, place)) {}

Items::Items(_object* object, const Place& place, std::size_t expected) : Items(object, place) {
  if (size() != expected) place.refuse(length_text(expected), length_text(size()));
}

std::size_t Items::size() const noexcept { return static_cast<std::size_t>(PyTuple_GET_SIZE(tuple_.get())); }

_object* Items::operator[](std::size_t index) const noexcept { return PyTuple_GET_ITEM(tuple_.get(), static_cast<Py_ssize_t>(index)); }

Entries::Entries(_object* object, const Place& place) {
  if (!PyDict_Check(object)) place.refuse("dict", object);
  items_ = to_object(check(PyDict_Items(object), "converting " + place.text()));
}

std::size_t Entries::size() const noexcept { return static_cast<std::size_t>(PyList_GET_SIZE(items_.get())); }

_object* Entries::key(std::size_t index) const noexcept {
  return PyTuple_GET_ITEM(PyList_GET_ITEM(items_.get(), static_cast<Py_ssize_t>(index)), 0);
}

_object* Entries::value(std::size_t index) const noexcept {
  return PyTuple_GET_ITEM(PyList_GET_ITEM(items_.get(), static_cast<Py_ssize_t>(index)), 1);
}

}  // namespace ophion::detail
