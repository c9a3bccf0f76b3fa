/// Object: a Python object, for programs that never see Python.h.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <ophion/export.h>

struct _object;  // what Python.h calls PyObject

namespace ophion {

/// Owns one reference to a Python object, or nothing. May be copied and dropped by any thread, with or without the GIL, before or
/// after Python's end.
class OPHION_EXPORT Object {
 public:
  Object() noexcept = default;
  /// What a call of the C API gave: "Borrowed reference" (a reference is added), "New reference" (that one is taken over).
  static Object borrow(_object* object) { return Object(add_reference(object)); }
  static Object steal(_object* object) noexcept { return Object(object); }

  /// "math.pi", "package.module.Class.method": modules are imported as far as needed. Starts Python where it does not run.
  /// Throws Error, which names the nearest names, when there is none; PythonError for what an import raises.
  static Object import(const std::string& name);
  /// A name of a user's script, which is imported anew for each call: see docs/scripts.md. The script's modules live as long as one
  /// of its functions. Throws as `import`, and Error when there is no such file.
  static Object from_file(const std::filesystem::path& script, const std::string& name);

  Object(const Object& other) : object_(add_reference(other.object_)) {}
  Object(Object&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Object& operator=(Object other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Object() {
    if (object_) drop(object_);
  }

  /// Borrowed from this Object.
  _object* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Hands the reference to a call that steals it.
  _object* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  explicit Object(_object* object) noexcept : object_(object) {}
  static _object* add_reference(_object* object);  // takes the GIL; null stays null
  static void drop(_object* object) noexcept;      // takes the GIL; leaks on purpose once Python has been stopped
  _object* object_ = nullptr;
};

}  // namespace ophion
