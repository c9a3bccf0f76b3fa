/// The border between C and C++: every exception becomes a status, what it said is kept for the thread, arguments are checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "c_api.h"

namespace ophion::c_api {

/// A call as it must not be.
class Refused : public std::runtime_error {
 public:
  Refused(ophion_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  ophion_status status() const noexcept { return status_; }

 private:
  ophion_status status_;
};

/// Keeps the exception in flight as this thread's last error. Only within a catch. Goes on with the unwinding of a thread that ends
/// (pthread_exit in a callback), which is no error and must not be stopped.
ophion_status keep_error(const char* function);

/// Does the work of one function of the API.
template <class Work>
ophion_status at_border(const char* function, Work&& work) {
  try {
    std::forward<Work>(work)();
    return OPHION_OK;
  } catch (...) {
    return keep_error(function);
  }
}

/// `argument` itself, which must not be NULL.
template <class T>
T& given(T* argument, const char* name) {
  if (!argument) throw Refused(OPHION_ARGUMENT, std::string(name) + " is NULL");
  return *argument;
}
inline const char* given_text(const char* text, const char* name) { return &given(text, name); }

/// Where a handle goes: NULL until there is one.
template <class T>
T*& place_for(T** place, const char* name) {
  given(place, name) = nullptr;
  return *place;
}

/// A number of rows or items that the caller counted; a negative one comes as a huge one.
void check_count(std::size_t count, const char* name);

/// An array of the caller's, with memory behind it unless it is empty.
template <class T>
void check_array(const T* data, std::size_t count, const char* name) {
  check_count(count, name);
  if (count > 0) given(data, name);
}

/// Copies text into the caller's memory as the header says.
void copy_text(const std::string& text, char* out, std::size_t size, std::size_t* needed);

/// A function that gives the text that `make` returns.
template <class Make>
ophion_status text_at_border(const char* function, char* text, std::size_t size, std::size_t* needed, Make&& make) {
  return at_border(function, [&] {
    if (needed) *needed = 0;
    copy_text(make(), text, size, needed);
  });
}

}  // namespace ophion::c_api
