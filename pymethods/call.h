/// Calls into Python: interned names, vectorcall, text. All of it with the GIL held.
#pragma once

#include "cpython.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "error.h"
#include "ref.h"

namespace ophion {

/// An attribute's name, interned at first use and kept for ever. Make them static. A name made anew for each look-up
/// (PyObject_GetAttrString) would do more harm than cost time: Python's cache of methods goes by its address and keeps thousands of them.
class Name {
 public:
  constexpr explicit Name(const char* text) noexcept : text_(text) {}
  /// Borrowed.
  PyObject* get() {
    if (!object_) object_ = check(PyUnicode_InternFromString(text_), "making a name").release();
    return object_;
  }

 private:
  const char* text_;
  PyObject* object_ = nullptr;
};

PyRef import_module(const std::string& name);
PyRef attribute(PyObject* object, Name& name, std::string_view doing);
/// The attribute, or nothing (and no error) when the object has none of that name.
PyRef optional_attribute(PyObject* object, Name& name);

PyRef call(PyObject* callable, std::initializer_list<PyObject*> arguments, std::string_view doing);
PyRef call_method(PyObject* object, Name& name, std::initializer_list<PyObject*> arguments, std::string_view doing);
/// callable(**keywords)
PyRef call_with_keywords(PyObject* callable, std::initializer_list<std::pair<const char*, PyObject*>> keywords,
                         std::string_view doing);

/// A str; bytes that are no UTF-8 (file names) become surrogates, as in Python's own paths.
PyRef to_text(std::string_view text);
/// The content of a str, surrogates turned back into the bytes they stand for. `doing` is for what is no str.
std::string from_text(PyObject* text, std::string_view doing);

}  // namespace ophion
