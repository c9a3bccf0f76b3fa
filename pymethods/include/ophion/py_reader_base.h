/// PyReaderBase: the base of readers that live in Python.
#pragma once

#include <ophion/export.h>
#include <ophion/reader.h>

namespace ophion {

/// A reader says its Python module; its side of the contract is python_scripts/ophion/contract.py. Chunks stay NumPy's memory,
/// kept alive by each Column's keeper.
class OPHION_EXPORT PyReaderBase : public Reader {
 public:
  virtual const std::string& python_module() const noexcept = 0;  ///< "ophion.readers.root_reader"
  std::vector<std::string> trees(const std::string& file) const final;
  FileInfo describe(const std::string& file, const std::string& tree) const final;
  std::unique_ptr<ChunkStream> open(const std::string& file, const std::string& tree,
                                    const std::vector<std::string>& columns) const final;
};

}  // namespace ophion
