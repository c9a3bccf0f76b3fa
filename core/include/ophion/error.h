/// What Ophion throws. Every error says what was tried, on what, and what was found.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <ophion/export.h>

namespace ophion {

/// The number by which the C API and exit statuses name a kind of error.
enum class ErrorCode : int {
  failed = 1,
  config = 2,
  data = 3,
  python = 4,
  model = 5,
  plugin = 6,
  interrupted = 7,
  trust = 8,
  time_limit = 9,
  worker = 10,
};

/// The base of all errors of Ophion.
class OPHION_EXPORT Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorCode code = ErrorCode::failed);
  ~Error() override;
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// A config that is not as its schema says. Its text reads
/// "train.json /methods/0/training/epochs: expected at least 1, found -3".
class OPHION_EXPORT ConfigError : public Error {
 public:
  /// `pointer` is a JSON pointer into the config (RFC 6901); empty when the file as a whole is meant.
  ConfigError(std::string file, std::string pointer, const std::string& problem);
  ~ConfigError() override;
  const std::string& file() const noexcept { return file_; }
  const std::string& pointer() const noexcept { return pointer_; }
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::string file_;
  std::string pointer_;
  std::string problem_;
};

/// Events that can't be read or used: a file, a column, a row.
class OPHION_EXPORT DataError : public Error {
 public:
  explicit DataError(const std::string& message);
  ~DataError() override;
};

/// A Python exception as text, taken while the GIL was held: free to copy, cross threads and outlive Python.
class OPHION_EXPORT PythonError : public Error {
 public:
  /// One exception of the chain that led to the one thrown.
  struct Cause {
    std::string type;
    std::string message;
  };

  PythonError(const std::string& doing, std::string type, std::string message, std::string traceback,
              std::vector<Cause> causes);
  ~PythonError() override;
  const std::string& type() const noexcept { return type_; }            ///< "ValueError"
  const std::string& message() const noexcept { return message_; }      ///< str(exception)
  const std::string& traceback() const noexcept { return traceback_; }  ///< as Python prints it, with the script's file and line
  const std::vector<Cause>& causes() const noexcept { return causes_; }  ///< nearest first; `raise … from None` ends it

 private:
  std::string type_;
  std::string message_;
  std::string traceback_;
  std::vector<Cause> causes_;
};

/// A model file that is damaged, from a newer Ophion, or whose scores are no longer those of its training.
class OPHION_EXPORT ModelError : public Error {
 public:
  explicit ModelError(const std::string& message);
  ~ModelError() override;
};

/// A plug-in that is missing, was built for another Ophion, or lacks its Python.
class OPHION_EXPORT PluginError : public Error {
 public:
  explicit PluginError(const std::string& message);
  ~PluginError() override;
};

/// The host asked to stop before there was a result.
class OPHION_EXPORT Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& message);
  ~Interrupted() override;
};

/// A model that would run code from its file, which nobody has said to trust. Its text names the file and the command.
class OPHION_EXPORT TrustError : public Error {
 public:
  explicit TrustError(const std::string& message);
  ~TrustError() override;
};

/// A call that took longer than its time limit, and was stopped.
class OPHION_EXPORT TimeLimit : public Error {
 public:
  explicit TimeLimit(const std::string& message);
  ~TimeLimit() override;
};

/// A worker process that ended, or could not be started; its text says how.
class OPHION_EXPORT WorkerError : public Error {
 public:
  explicit WorkerError(const std::string& message);
  ~WorkerError() override;
};

/// What stands before the first line break of an error's text: a PythonError's without the script's traceback.
OPHION_EXPORT std::string first_line(const std::string& text);

/// "; did you mean 'mZ1' or 'mZ2'?" for the names nearest to `name` (by edit distance), or nothing if none is near.
OPHION_EXPORT std::string nearest_names(const std::string& name, const std::vector<std::string>& known);

}  // namespace ophion
