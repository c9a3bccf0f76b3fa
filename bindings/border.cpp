/// The last error of each thread, and what stands between C and C++.
#include "border.h"

#include <cxxabi.h>

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include <ophion/error.h>
#include <ophion/value.h>

namespace ophion::c_api {
namespace {

// The statuses of the C API are the numbers of core's errors.
constexpr bool same(ophion_status status, ErrorCode code) { return status == static_cast<ophion_status>(code); }
static_assert(same(OPHION_FAILED, ErrorCode::failed) && same(OPHION_CONFIG, ErrorCode::config) && same(OPHION_DATA, ErrorCode::data) &&
              same(OPHION_PYTHON, ErrorCode::python) && same(OPHION_MODEL, ErrorCode::model) && same(OPHION_PLUGIN, ErrorCode::plugin) &&
              same(OPHION_INTERRUPTED, ErrorCode::interrupted) && same(OPHION_TRUST, ErrorCode::trust) &&
              same(OPHION_TIME_LIMIT, ErrorCode::time_limit) && same(OPHION_WORKER, ErrorCode::worker));

struct LastError {
  ophion_status status = OPHION_OK;
  const char* fixed = nullptr;  ///< in place of the text, where there was no memory for one
  std::string text;
  std::vector<std::pair<std::string, std::string>> details;
};

/// There to the very end: functions that a program gave to atexit come after the main thread's own objects are gone. What is made for them goes
/// with the process.
LastError& last_error() noexcept {
  alignas(LastError) thread_local std::byte memory[sizeof(LastError)];
  thread_local constinit LastError* error = nullptr;
  struct End {
    ~End() { std::exchange(error, nullptr)->~LastError(); }
  };
  if (!error) {
    error = new (memory) LastError;
    thread_local const End end;
  }
  return *error;
}

using Details = std::vector<std::pair<std::string, std::string>>;

Details details_of(const Error& error) {
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) {
    return {{"file", config->file()}, {"pointer", config->pointer()}, {"problem", config->problem()}};
  }
  if (const auto* python = dynamic_cast<const PythonError*>(&error)) {
    return {{"type", python->type()}, {"message", python->message()}, {"traceback", python->traceback()}};
  }
  return {};
}

ophion_status keep(ophion_status status, std::string text, Details details = {}) {
  last_error() = {status, nullptr, std::move(text), std::move(details)};
  return status;
}

/// Needs no memory.
ophion_status keep_lack_of_memory() noexcept {
  LastError& error = last_error();
  error.status = OPHION_NO_MEMORY;
  error.fixed = "memory ran out";
  error.details.clear();
  return error.status;
}

}  // namespace

ophion_status keep_error(const char* function) {
  try {
    try {
      throw;
    } catch (const Refused& refused) {
      return keep(refused.status(), std::string(function) + ": " + refused.what());
    } catch (const Error& error) {
      return keep(static_cast<ophion_status>(error.code()), error.what(), details_of(error));
    } catch (const std::bad_alloc&) {
      return keep_lack_of_memory();
    } catch (const std::exception& error) {
      return keep(OPHION_FAILED, std::string(function) + ": " + error.what());
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (...) {
      return keep(OPHION_FAILED, std::string(function) + ": something was thrown that is no std::exception");
    }
  } catch (const std::bad_alloc&) {
    return keep_lack_of_memory();
  }
}

void check_count(std::size_t count, const char* name) {
  if (count > PTRDIFF_MAX) throw Refused(OPHION_ARGUMENT, std::string(name) + ": expected a number of 0 or more, found " + std::to_string(count));
}

void copy_text(const std::string& text, char* out, std::size_t size, std::size_t* needed) {
  if (needed) *needed = text.size() + 1;
  if (!out && size == 0) return;
  given(out, "text");
  if (size > text.size()) {
    text.copy(out, text.size());
    out[text.size()] = '\0';
    return;
  }
  if (size > 0) out[0] = '\0';
  throw Refused(OPHION_TOO_SMALL, "expected room for " + std::to_string(text.size() + 1) + " bytes of text, found " + std::to_string(size));
}

}  // namespace ophion::c_api

using namespace ophion::c_api;

ophion_status ophion_error_kind(void) { return last_error().status; }

const char* ophion_error_text(void) {
  const auto& error = last_error();
  return error.fixed ? error.fixed : error.text.c_str();
}

const char* ophion_error_detail(const char* key) {
  if (!key) return nullptr;
  for (const auto& [name, text] : last_error().details) {
    if (name == key) return text.c_str();
  }
  return nullptr;
}
