/// From a file that another program wrote to a model: the tool "import_model" reads it, the backend of the form that it gives (native, onnx)
/// proves and scores it.
#include <ophion/import.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include <ophion/error.h>

#include "durable_file.h"
#include "features.h"
#include "form_check.h"
#include "model_builder.h"
#include "model_manifest.h"

namespace ophion {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t selftest_rows = 32;

/// Whether a text is nothing but one column, or one number of an array column.
bool is_column(const std::string& text) {
  try {
    const native::Expression expression = parse_expression(text, "feature");
    return expression.nodes().size() == 1 && expression.inputs().size() == 1;
  } catch (const DataError&) {
    return false;
  }
}

/// A feature is the column of its name, whatever signs that holds.
NamedExpression feature_named(const std::string& name, const fs::path& file) {
  const std::string text = is_column(name) ? name : "`" + name + "`";
  if (!is_column(text)) throw DataError(file.string() + ": '" + name + "' can't be the name of a column");
  return {name, text, ""};
}

const Column& column_named(const ToolResult& result, const std::string& name) {
  const auto named = [&](const Column& column) { return column.name == name; };
  const auto found = std::find_if(result.data.begin(), result.data.end(), named);
  if (found == result.data.end()) throw Error("the tool import_model gave no '" + name + "'");
  return *found;
}

std::string bytes_of(const Column& column) {
  if (column.type != DType::uint8 || column.width != 1 || column.row_stride != 1) {
    throw Error("the tool import_model gave a member '" + column.name + "' that is no run of bytes");
  }
  return {static_cast<const char*>(column.data), column.rows};
}

std::vector<float> floats_of(const Column& column, std::size_t width) {
  if (column.type != DType::float32 || column.width != width) {
    throw Error("the tool import_model gave '" + column.name + "' with " + std::to_string(column.width) + " numbers a row");
  }
  std::vector<float> numbers;
  numbers.reserve(column.rows * width);
  for (std::size_t row = 0; row < column.rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) numbers.push_back(static_cast<float>(column.at(row, i)));
  }
  return numbers;
}

Spec spec_of(const Value& facts) {
  Spec spec;
  spec.task = facts.at("task").as_text();
  spec.features = facts.at("features").as_texts();
  spec.classes = facts.at("classes").as_texts();
  spec.targets = facts.at("targets").as_texts();
  return spec;
}

Value provenance_of(const fs::path& file, const Value& facts) {
  Value source = Value::object();
  source.set("file", file.string());
  std::error_code ignored;  // it was read a moment ago
  source.set("bytes", static_cast<std::int64_t>(fs::file_size(file, ignored)));
  source.set("sha256", sha256_of_file(file));
  Value provenance = Value::object();
  provenance.set("data", Value(Value::Array{}));
  provenance.set("imported", std::move(source));
  provenance.set("origin", facts.at("origin"));
  provenance.set("checked_against", facts.at("checked_against"));
  return provenance;
}

/// Some of the events, spread evenly, with the scores they have now.
SelfTest self_test_of(const std::vector<float>& events, const std::vector<float>& scores, const Spec& spec) {
  const std::size_t width = spec.features.size(), outputs = spec.outputs(), rows = events.size() / width;
  SelfTest test;
  test.rows = std::min(rows, selftest_rows);
  for (std::size_t i = 0; i < test.rows; ++i) {
    const auto row = static_cast<std::ptrdiff_t>(i * rows / test.rows);
    const auto event = events.begin() + row * static_cast<std::ptrdiff_t>(width);
    const auto score = scores.begin() + row * static_cast<std::ptrdiff_t>(outputs);
    test.features.insert(test.features.end(), event, event + static_cast<std::ptrdiff_t>(width));
    test.scores.insert(test.scores.end(), score, score + static_cast<std::ptrdiff_t>(outputs));
  }
  test.machine = machine_of(0);
  return test;
}

/// The model with a self-test, once its scores for `events` are `theirs`, where there are some, from the trainer `checked_against`.
Model proved(const ImportedParts& parts, const std::vector<float>& events, const std::vector<float>& theirs, const Registry& registry,
             const std::string& checked_against) {
  LoadOptions load;
  load.registry = registry;
  const Model untested(build_imported_model_file(parts, {}), load);
  const std::size_t width = parts.spec.features.size();
  const std::vector<float> scores = untested.predict(MatrixView(events.data(), events.size() / width, width));
  if (!theirs.empty()) {
    const std::string difference = score_difference(scores, theirs, untested.outputs(), "made-up event");
    if (!difference.empty()) throw DataError(difference + " (" + checked_against + ")");
  }
  return Model(build_imported_model_file(parts, self_test_of(events, scores, parts.spec)), load);
}

}  // namespace

ImportedModel import_model(const fs::path& file, const ImportOptions& options) {
  Value arguments = Value::object();
  arguments.set("file", file.string());
  arguments.set("features", Value(options.features));
  arguments.set("classes", Value(options.classes));
  arguments.set("targets", Value(options.targets));
  const auto job = options.registry.tool("import_model")->start(Value::object());
  const ToolResult read = job->run(arguments, {});
  const Value& facts = read.value;

  ImportedParts parts;
  parts.name = options.name.empty() ? file.stem().string() : options.name;
  parts.spec = spec_of(facts);
  for (const std::string& name : parts.spec.features) parts.features.push_back(feature_named(name, file));
  parts.missing = policy_named(facts.at("missing").as_text());
  parts.backend = facts.at("backend").as_text();
  for (const Value& member : facts.at("members").as_array()) {
    parts.members.emplace(member.as_text(), bytes_of(column_named(read, member.as_text())));
  }
  parts.versions = facts.at("versions");
  parts.provenance = provenance_of(file, facts);

  const std::vector<float> events = floats_of(column_named(read, "x"), parts.spec.features.size());
  const std::string checked_against = facts.at("checked_against").as_text();
  const std::vector<float> theirs =
      checked_against.empty() ? std::vector<float>() : floats_of(column_named(read, "scores"), parts.spec.outputs());
  job->finish();
  try {
    return {proved(parts, events, theirs, options.registry, checked_against), facts.at("origin").as_text(), checked_against};
  } catch (const ModelError& problem) {
    throw ModelError(file.string() + ": " + problem.what());
  } catch (const DataError& problem) {
    throw DataError(file.string() + ": " + problem.what());
  }
}

}  // namespace ophion
