/// Where events come from.
#include "event_source.h"

#include <glob.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <ophion/error.h>

#include "text.h"

namespace ophion {
namespace {

namespace fs = std::filesystem;

// Views cost nothing; a chunk only sets how often an interruption is looked for.
constexpr std::size_t memory_chunk_rows = 65536;

std::vector<std::string> matches(const std::string& pattern) {
  std::error_code ignored;
  if (fs::exists(pattern, ignored)) return {pattern};  // also a name with brackets in it
  glob_t found{};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::sort(files.begin(), files.end());
  return files;
}

class MemoryStream final : public ChunkStream {
 public:
  explicit MemoryStream(Columns columns) : columns_(std::move(columns)) {}

  std::optional<Columns> next() override {
    const std::size_t rows = columns_.empty() ? 0 : columns_.front().rows;
    if (done_ >= rows) return std::nullopt;
    Columns chunk = columns_;
    for (Column& column : chunk) {
      column.data = static_cast<const std::byte*>(column.data) + static_cast<std::ptrdiff_t>(done_) * column.row_stride;
      column.rows = std::min(memory_chunk_rows, rows - done_);
    }
    done_ += memory_chunk_rows;
    return chunk;
  }

 private:
  Columns columns_;
  std::size_t done_ = 0;
};

/// Column `index` of a matrix under a name of its own.
Column column_of(const MatrixView& matrix, std::size_t index, std::string name) {
  Column column(std::move(name), matrix);
  column.data = static_cast<const std::byte*>(column.data) + static_cast<std::ptrdiff_t>(index) * column.column_stride;
  column.width = 1;
  return column;
}

class MemoryReader final : public Reader {
 public:
  MemoryReader(const Dataset& dataset, const Dataset::Sample& sample) {
    for (std::size_t i = 0; i < dataset.columns().size(); ++i)
      columns_.push_back(column_of(sample.features, i, dataset.columns()[i]));
    columns_.insert(columns_.end(), sample.others.begin(), sample.others.end());
    if (!sample.weights.empty()) columns_.emplace_back(SampleRecipe::memory_weights, sample.weights);
    for (std::size_t i = 0; i < sample.targets.columns(); ++i)
      columns_.push_back(column_of(sample.targets, i, SampleRecipe::memory_target(i)));
  }

  std::vector<std::string> trees(const std::string&) const override { return {""}; }

  FileInfo describe(const std::string&, const std::string&) const override {
    FileInfo info;
    for (const Column& column : columns_) info.columns.push_back({column.name, name_of(column.type), true});
    info.rows = columns_.empty() ? 0 : columns_.front().rows;
    return info;
  }

  std::unique_ptr<ChunkStream> open(const std::string&, const std::string&,
                                    const std::vector<std::string>& names) const override {
    Columns wanted;
    for (const std::string& name : names)
      wanted.push_back(*std::find_if(columns_.begin(), columns_.end(), [&](const Column& one) { return one.name == name; }));
    return std::make_unique<MemoryStream>(std::move(wanted));
  }

 private:
  Columns columns_;
};

}  // namespace

std::string sample_name(std::size_t index, const std::string& class_name) {
  return "sample " + std::to_string(index) + (class_name.empty() ? "" : " ('" + class_name + "')");
}

std::string text_of(double number) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", number);
  return digits;
}

std::vector<std::string> expand_patterns(const std::vector<std::string>& patterns, const std::string& sample) {
  if (patterns.empty()) throw DataError(sample + ": no files are named");
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> found = matches(pattern);
    if (found.empty()) {
      const bool plain = pattern.find_first_of("*?[") == std::string::npos;
      throw DataError(sample + ": no file " + (plain ? "'" : "matches '") + pattern + "'" + (plain ? files_near(pattern) : ""));
    }
    for (const std::string& file : found)
      if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  return files;
}

EventSource::EventSource(std::shared_ptr<const Reader> its_reader, std::string its_file, const std::string& wanted_tree)
    : reader(std::move(its_reader)), file(std::move(its_file)) {
  FileInfo info = reader->describe(file, wanted_tree);
  tree = wanted_tree.empty() ? std::move(info.tree) : wanted_tree;
  columns = std::move(info.columns);
  rows = info.rows.value_or(0);
}

std::vector<std::string> EventSource::column_names() const {
  std::vector<std::string> names;
  for (const ColumnInfo& column : columns) names.push_back(column.name);
  return names;
}

void check_source(const EventSource& source, const SampleRecipe& recipe) {
  const std::vector<std::string> names = source.column_names();
  for (const SampleRecipe::Input& input : recipe.inputs()) {
    const std::string needs = ", which " + input.needed_by + " needs";
    switch (std::count(names.begin(), names.end(), input.column)) {
      case 0:
        throw DataError(source.name() + ": no column '" + input.column + "'" + needs + known_names(input.column, names));
      case 1: break;
      default: throw DataError(source.name() + ": more than one column '" + input.column + "'" + needs);
    }
    const auto position = std::find(names.begin(), names.end(), input.column) - names.begin();
    const ColumnInfo& column = source.columns[static_cast<std::size_t>(position)];
    if (!column.numeric)
      throw DataError(source.name() + ": expected numbers in column '" + input.column + "'" + needs + ", found " + column.type);
  }
}

std::shared_ptr<const Reader> memory_reader(const Dataset& dataset, const Dataset::Sample& sample) {
  return std::make_shared<MemoryReader>(dataset, sample);
}

}  // namespace ophion
