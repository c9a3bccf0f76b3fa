/// Errors as texts, so that a test reads what one says.
#pragma once

#include <string>

/// The text of what `action` throws; a failed expectation reads better than a missing exception.
template <class Thrown, class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "nothing was thrown";
}
