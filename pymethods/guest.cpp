/// Puts back what a script changed.
#include "guest.h"

#include <dlfcn.h>

#include <exception>
#include <utility>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "call.h"
#include "gil.h"
#include "interpreter.h"
#include "value.h"

namespace ophion {
namespace {

/// Whether Python installed it (faulthandler does so on any thread). Others may be the host's own, changed meanwhile.
bool is_pythons(const struct sigaction& action) noexcept {
  Dl_info handler, python;
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
         dladdr(reinterpret_cast<void*>(action.sa_handler), &handler) != 0 &&
         dladdr(reinterpret_cast<void*>(&Py_GetVersion), &python) != 0 && handler.dli_fbase == python.dli_fbase;
}

std::string listed(const std::vector<std::string>& things) {
  std::string text;
  for (const std::string& one : things) text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::vector<std::string> texts(PyObject* object, Name& method) {
  return to_value(call_method(object, method, {}, "looking after a script").get(), "a guest").as_texts();
}

/// Once, before any user's code has run; a host's own Python looks after its workers itself.
void look_after_workers() {
  static bool done = false;  // guarded by the GIL
  static Name name("look_after_workers");
  if (std::exchange(done, true) || python_state() != PythonState::ours) return;
  call_method(import_module("ophion._workers").get(), name, {}, "looking after workers");
}

void say(LogLevel level, const std::string& line) {
  const GilRelease released;
  log(level, line);
}

}  // namespace

Guest::Guest(std::string doing, Call call) : doing_(std::move(doing)) {
  static Name class_name("Guest");
  look_after_workers();
  const PyRef type = attribute(import_module("ophion._guest").get(), class_name, "looking after a script");
  remembered_ = ophion::call(type.get(), {call == Call::prediction ? Py_True : Py_False}, "looking after a script");
  for (int signal = 1; signal < signals; ++signal) sigaction(signal, nullptr, &handlers_[static_cast<std::size_t>(signal)]);
  getitimer(ITIMER_REAL, &alarm_);
  std::fegetenv(&floating_point_);
}

bool Guest::leave() noexcept {
  static Name leave_name("leave"), left_behind_name("left_behind");
  const PyRef remembered = std::exchange(remembered_, {});
  if (!remembered) return false;
  std::fesetenv(&floating_point_);
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      std::vector<std::string> changed = texts(remembered.get(), leave_name);
      if (const std::string handlers = put_back_handlers(); !handlers.empty()) changed.push_back(handlers);
      if (!changed.empty()) say(LogLevel::info, doing_ + " changed " + listed(changed) + ": put back");
      const std::vector<std::string> left = texts(remembered.get(), left_behind_name);
      if (!left.empty()) say(LogLevel::warning, doing_ + " left something running: " + listed(left));
      return !changed.empty();
    } catch (const Interrupted&) {  // it was meant for the script; what is put back already stays so
    } catch (const std::exception& error) {
      say(LogLevel::warning, doing_ + ": " + error.what());
      break;
    }
  }
  return true;
}

std::string Guest::put_back_handlers() noexcept {
  if (python_state() != PythonState::ours) return {};  // they are the owner's
  std::string changed;
  for (int signal = 1; signal < signals; ++signal) {
    const struct sigaction& before = handlers_[static_cast<std::size_t>(signal)];
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler == before.sa_handler || !is_pythons(now)) continue;
    sigaction(signal, &before, nullptr);
    changed = "handlers of signals";
  }
  itimerval now{};
  if (getitimer(ITIMER_REAL, &now) == 0 && timerisset(&now.it_value) && !timerisset(&alarm_.it_value)) {
    setitimer(ITIMER_REAL, &alarm_, nullptr);
    changed += changed.empty() ? "the alarm" : ", the alarm";
  }
  return changed;
}

}  // namespace ophion
