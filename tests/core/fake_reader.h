/// Files that tests make up: a Reader over columns in memory, in chunks of any size.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ophion/reader.h>

namespace ophion {

/// A column that owns its numbers.
template <class T>
Column made_column(std::string name, const std::vector<T>& numbers) {
  const std::shared_ptr<T[]> owner(new T[numbers.size()]);
  std::copy(numbers.begin(), numbers.end(), owner.get());
  return Column(std::move(name), std::span<const T>(owner.get(), numbers.size()), owner);
}

struct FakeFile {
  Columns columns;
  std::string tree = "events";
  std::vector<ColumnInfo> not_numbers = {};
};

class FakeReader final : public Reader {
 public:
  explicit FakeReader(std::size_t chunk_rows) : chunk_rows_(chunk_rows) {}
  /// By the last part of the file's name.
  std::map<std::string, FakeFile> files;
  mutable std::vector<std::string> asked_for;  ///< columns of the last `open`

  std::vector<std::string> trees(const std::string& file) const override { return {find(file).tree}; }

  FileInfo describe(const std::string& file, const std::string&) const override {
    FileInfo info;
    info.tree = find(file).tree;
    for (const Column& column : find(file).columns) info.columns.push_back({column.name, name_of(column.type), true});
    for (const ColumnInfo& column : find(file).not_numbers) info.columns.push_back(column);
    return info;
  }

  std::unique_ptr<ChunkStream> open(const std::string& file, const std::string&,
                                    const std::vector<std::string>& names) const override {
    asked_for = names;
    Columns wanted;
    for (const std::string& name : names)
      for (const Column& column : find(file).columns)
        if (column.name == name) wanted.push_back(column);
    return std::make_unique<Stream>(std::move(wanted), chunk_rows_);
  }

 private:
  class Stream final : public ChunkStream {
   public:
    Stream(Columns columns, std::size_t chunk_rows) : columns_(std::move(columns)), chunk_rows_(chunk_rows) {}

    std::optional<Columns> next() override {
      const std::size_t rows = columns_.front().rows;
      if (done_ >= rows) return std::nullopt;
      Columns chunk = columns_;
      for (Column& column : chunk) {
        column.data = static_cast<const std::byte*>(column.data) + static_cast<std::ptrdiff_t>(done_) * column.row_stride;
        column.rows = std::min(chunk_rows_, column.rows - done_);
      }
      done_ += chunk_rows_;
      return chunk;
    }

   private:
    Columns columns_;
    std::size_t chunk_rows_;
    std::size_t done_ = 0;
  };

  const FakeFile& find(const std::string& file) const { return files.at(file.substr(file.rfind('/') + 1)); }

  std::size_t chunk_rows_;
};

}  // namespace ophion
