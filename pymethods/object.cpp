/// Objects of C++ programs: found, shared, dropped.
#include "cpython.h"

#include <ophion/object.h>

#include <ophion/error.h>

#include "call.h"
#include "scope.h"

namespace ophion {
namespace {

/// A function of ophion._named; a name that is not there is an Error, not one of a config.
Object find(Name& function, std::initializer_list<std::string> arguments, const std::string& what) {
  const std::string doing = "looking for " + what;
  try {
    const PyRef tuple = check(PyTuple_New(static_cast<Py_ssize_t>(arguments.size())), doing);
    Py_ssize_t index = 0;
    for (const std::string& one : arguments) PyTuple_SET_ITEM(tuple.get(), index++, to_text(one).release());
    const PyRef finder = attribute(import_module("ophion._named").get(), function, doing);
    return to_object(check(PyObject_CallObject(finder.get(), tuple.get()), doing));
  } catch (const ConfigError& error) {
    throw Error(error.problem());
  }
}

}  // namespace

Object Object::import(const std::string& name) {
  static Name function("find");
  const PythonScope python;
  return find(function, {name}, "'" + name + "'");
}

Object Object::from_file(const std::filesystem::path& script, const std::string& name) {
  static Name function("keep_in_script");
  const PythonScope python;
  return find(function, {script.string(), name}, "'" + name + "' in " + script.filename().string());
}

_object* Object::add_reference(_object* object) {
  if (!object || !python_running()) return object;  // once Python has been stopped, nothing is counted any more
  const Gil gil;
  Py_INCREF(object);
  return object;
}

void Object::drop(_object* object) noexcept { static_cast<void>(PyRef::steal(object)); }

}  // namespace ophion
