/// Calls into Python.
#include "call.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ophion {
namespace {

constexpr std::size_t few = 6;

/// `object` before the arguments, in the layout that vectorcall wants; `use` gets pointer and count.
template <class Use>
PyRef with_receiver(PyObject* object, std::initializer_list<PyObject*> arguments, Use use) {
  if (arguments.size() < few) {
    std::array<PyObject*, few> all{object};
    std::copy(arguments.begin(), arguments.end(), all.begin() + 1);
    return use(all.data(), arguments.size() + 1);
  }
  std::vector<PyObject*> all{object};
  all.insert(all.end(), arguments);
  return use(all.data(), all.size());
}

}  // namespace

PyRef import_module(const std::string& name) {
  return check(PyImport_ImportModule(name.c_str()), "importing " + name);
}

PyRef attribute(PyObject* object, Name& name, std::string_view doing) {
  return check(PyObject_GetAttr(object, name.get()), doing);
}

PyRef optional_attribute(PyObject* object, Name& name) {
  PyRef found = PyRef::steal(PyObject_GetAttr(object, name.get()));
  if (!found) PyErr_Clear();
  return found;
}

PyRef call(PyObject* callable, std::initializer_list<PyObject*> arguments, std::string_view doing) {
  return check(PyObject_Vectorcall(callable, arguments.begin(), arguments.size(), nullptr), doing);
}

PyRef call_method(PyObject* object, Name& name, std::initializer_list<PyObject*> arguments, std::string_view doing) {
  return with_receiver(object, arguments, [&](PyObject* const* all, std::size_t count) {
    return check(PyObject_VectorcallMethod(name.get(), all, count, nullptr), doing);
  });
}

PyRef call_with_keywords(PyObject* callable, std::initializer_list<std::pair<const char*, PyObject*>> keywords,
                         std::string_view doing) {
  const PyRef named = check(PyDict_New(), doing);
  for (const auto& [name, value] : keywords) check(PyDict_SetItemString(named.get(), name, value), doing);
  const PyRef none = check(PyTuple_New(0), doing);
  return check(PyObject_Call(callable, none.get(), named.get()), doing);
}

PyRef to_text(std::string_view text) {
  return check(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"), "making text");
}

std::string from_text(PyObject* text, std::string_view doing) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "expected text, found %.100s", Py_TYPE(text)->tp_name);
    throw_python_error(doing);
  }
  const PyRef bytes = check(PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape"), doing);
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

}  // namespace ophion
