/// Config: one checked JSON file as plain structs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ophion/export.h>
#include <ophion/isolation.h>
#include <ophion/registry.h>
#include <ophion/value.h>

namespace ophion {

class FeatureFunctions;

struct SampleConfig {
  std::string class_name;                    ///< empty for regression
  std::vector<std::string> files;            ///< absolute; globs are not yet expanded
  std::string tree;
  std::string selection;                     ///< an expression; empty: every event
  std::string weight;                        ///< an expression; empty: 1
};

/// A column of its own name, or an expression under a name.
struct NamedExpression {
  std::string name;
  std::string expression;
  std::string unit;
};

struct SplitConfig {
  double validation = 0.2;       ///< fractions, when `by` is empty; with folds, of the events that each fold trains on
  double test = 0.3;
  std::string by;                ///< an expression that gives a whole number
  std::vector<std::int64_t> validation_values;
  std::vector<std::int64_t> test_values;
  int folds = 0;                 ///< of a cross-validation; 0: none
  std::string fold_by;           ///< an expression whose values 0 to folds - 1 are the folds; empty: drawn
  bool folds_of_model = false;   ///< the folds are those of a trained model and divide nothing here: an event is in one, or in none
};

enum class MissingPolicy { error, drop, impute, keep };
enum class NegativeWeights { error, keep, zero_in_training, abs };
enum class Normalisation { none, equal_class, mean_one };

struct DataConfig {
  std::vector<SampleConfig> samples;  ///< may be empty when the program brings its own events
  std::vector<NamedExpression> features;
  std::vector<NamedExpression> targets;
  std::vector<std::string> spectators;
  MissingPolicy missing = MissingPolicy::error;
  NegativeWeights negative = NegativeWeights::error;
  Normalisation normalise = Normalisation::equal_class;
  SplitConfig split;
  std::shared_ptr<const FeatureFunctions> functions;  ///< of the config's plug-ins, for its expressions; null: none
};

/// Where code that isn't the program's own runs.
struct IsolationConfig {
  Isolation isolation = Isolation::none;
  std::size_t memory_limit = 0;  ///< bytes a worker process may have; 0: as many as there are
  bool drop_rights = false;      ///< workers have no network and write to the method's checkpoints alone
};

struct MethodConfig {
  std::string name;
  std::string type;
  std::vector<Value> transforms;  ///< each an object {"type": "standard", …}
  int threads = 0;
  double time_limit = 0;  ///< seconds; 0: as for the whole run
  IsolationConfig isolation;  ///< what is not set for the method is as for the run
  Value options;  ///< the method's whole object: defaults filled in, paths absolute
};

class OPHION_EXPORT Config {
 public:
  /// Reads and checks a file; relative paths in it are relative to its folder. Python is not started. Throws ConfigError.
  static Config from_file(const std::filesystem::path& file, const Registry& registry = Registry());
  /// The same for text in memory; `folder` stands for the file's folder.
  static Config from_json(std::string_view text, const std::filesystem::path& folder = ".",
                          const Registry& registry = Registry());

  /// One of a config's top-level objects ("evaluation") as it is when a config says nothing of it.
  static Value defaults(const std::string& key);

  /// The same config with one value changed: a dotted key ("methods.0.training.epochs") and JSON text; text that is no JSON
  /// is taken as a string. Checked again as a whole.
  Config set(const std::string& key, const std::string& json) const;

  const std::filesystem::path& file() const noexcept { return file_; }
  const std::filesystem::path& folder() const noexcept { return folder_; }
  const std::string& name() const noexcept { return name_; }
  const std::string& task() const noexcept { return task_; }
  std::uint64_t seed() const noexcept { return seed_; }
  int threads() const noexcept { return threads_; }
  double time_limit() const noexcept { return time_limit_; }
  /// Of the readers of data.samples, and of methods that say nothing else.
  const IsolationConfig& isolation() const noexcept { return isolation_; }
  const DataConfig& data() const noexcept { return data_; }
  const std::vector<MethodConfig>& methods() const noexcept { return methods_; }
  const std::filesystem::path& output() const noexcept { return output_; }
  const Registry& registry() const noexcept { return registry_; }

  /// Two classes: [negative, positive], positive being "signal" if there is one of that name, else the first in the file. More: file order.
  std::vector<std::string> classes() const;

  /// Everything with every default filled in and every path absolute: reading it again gives the same run.
  const Value& resolved() const noexcept { return resolved_; }

 private:
  Config(Value document, std::filesystem::path file, std::filesystem::path folder, Registry registry);

  Value document_;  ///< as it was read, with `set` applied
  Value resolved_;
  std::filesystem::path file_;
  std::filesystem::path folder_;
  Registry registry_;
  std::string name_;
  std::string task_;
  std::uint64_t seed_ = 0;
  int threads_ = 0;
  double time_limit_ = 0;
  IsolationConfig isolation_;
  DataConfig data_;
  std::vector<MethodConfig> methods_;
  std::filesystem::path output_;
};

}  // namespace ophion
