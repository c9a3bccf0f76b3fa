/// A Reader turns a file into typed columns, chunk by chunk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ophion/dataset.h>
#include <ophion/export.h>

namespace ophion {

/// One column of a file, before it is read.
struct ColumnInfo {
  std::string name;
  std::string type;              ///< NumPy's name ("float32"), or the file's own for what is no number ("string", "var * float")
  bool numeric = true;           ///< false: one that can't be an input (text, jagged, nested)
};

struct FileInfo {
  std::string tree;               ///< the tree, table or data set that was looked at; empty where the format has none
  std::vector<ColumnInfo> columns;
  std::optional<std::uint64_t> rows;  ///< unknown for CSV
};

/// The chunks of one file, in the file's order.
class OPHION_EXPORT ChunkStream {
 public:
  virtual ~ChunkStream();
  /// The next chunk, one Column a requested name, in the order asked for and all of one length; none at the end.
  virtual std::optional<Columns> next() = 0;
};

class OPHION_EXPORT Reader {
 public:
  virtual ~Reader();
  /// The trees, tables or data sets of a file; one empty name for a format that has none.
  virtual std::vector<std::string> trees(const std::string& file) const = 0;
  /// `tree` empty: the only one in the file (DataError, naming them, when there are several).
  virtual FileInfo describe(const std::string& file, const std::string& tree) const = 0;
  /// Reads just these columns. DataError names the file and, for a name that isn't there or holds no plain numbers, the column.
  virtual std::unique_ptr<ChunkStream> open(const std::string& file, const std::string& tree,
                                            const std::vector<std::string>& columns) const = 0;
};

}  // namespace ophion
