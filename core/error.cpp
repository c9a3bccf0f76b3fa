/// The errors' texts, and the names nearest to a wrong one. The destructors stand here so that every shared object
/// agrees on the types.
#include <ophion/error.h>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

#include "text.h"

namespace ophion {

namespace {

std::string place(const std::string& file, const std::string& pointer) {
  if (file.empty()) return pointer;
  return pointer.empty() ? file : file + " " + pointer;
}

std::string config_text(const std::string& file, const std::string& pointer, const std::string& problem) {
  const auto where = place(file, pointer);
  return where.empty() ? problem : where + ": " + problem;
}

std::string python_text(const std::string& doing, const std::string& type, const std::string& message,
                        const std::string& traceback) {
  auto text = doing + ": " + type;
  if (!message.empty()) text += ": " + message;
  return traceback.empty() ? text : text + "\n" + traceback;
}

/// Edits that turn `a` into `b`: a character more, less or another, or two neighbours exchanged (optimal string alignment).
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

Error::Error(const std::string& message, ErrorCode code) : std::runtime_error(message), code_(code) {}
Error::~Error() = default;

ConfigError::ConfigError(std::string file, std::string pointer, const std::string& problem)
    : Error(config_text(file, pointer, problem), ErrorCode::config),
      file_(std::move(file)),
      pointer_(std::move(pointer)),
      problem_(problem) {}
ConfigError::~ConfigError() = default;

DataError::DataError(const std::string& message) : Error(message, ErrorCode::data) {}
DataError::~DataError() = default;

PythonError::PythonError(const std::string& doing, std::string type, std::string message, std::string traceback,
                         std::vector<Cause> causes)
    : Error(python_text(doing, type, message, traceback), ErrorCode::python),
      type_(std::move(type)),
      message_(std::move(message)),
      traceback_(std::move(traceback)),
      causes_(std::move(causes)) {}
PythonError::~PythonError() = default;

ModelError::ModelError(const std::string& message) : Error(message, ErrorCode::model) {}
ModelError::~ModelError() = default;

PluginError::PluginError(const std::string& message) : Error(message, ErrorCode::plugin) {}
PluginError::~PluginError() = default;

Interrupted::Interrupted(const std::string& message) : Error(message, ErrorCode::interrupted) {}
Interrupted::~Interrupted() = default;

TrustError::TrustError(const std::string& message) : Error(message, ErrorCode::trust) {}
TrustError::~TrustError() = default;

TimeLimit::TimeLimit(const std::string& message) : Error(message, ErrorCode::time_limit) {}
TimeLimit::~TimeLimit() = default;

WorkerError::WorkerError(const std::string& message) : Error(message, ErrorCode::worker) {}
WorkerError::~WorkerError() = default;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string nearest_names(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t most = 3;
  const auto wanted = lower(name);
  const auto limit = std::max<std::size_t>(1, name.size() / 3);
  std::vector<std::tuple<std::size_t, std::size_t, std::string>> near;  // edits but for case, edits, name
  for (const auto& candidate : known) {
    const auto longer = std::max(candidate.size(), name.size());
    if (longer - std::min(candidate.size(), name.size()) > limit) continue;
    const auto distance = edits(wanted, lower(candidate));
    // Names that share no character are not near, however short they are.
    if (distance <= limit && distance < longer) near.emplace_back(distance, edits(name, candidate), candidate);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  if (near.size() > most) near.resize(most);
  std::string text;
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "; did you mean '" : i + 1 == near.size() ? " or '" : ", '";
    text += std::get<2>(near[i]) + "'";
  }
  return text.empty() ? text : text + "?";
}

}  // namespace ophion
