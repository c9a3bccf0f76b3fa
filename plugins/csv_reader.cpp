/// The reader "csv": text tables, by pyarrow.
#include <ophion/plugin.h>
#include <ophion/py_reader_base.h>

namespace {

class CsvReader final : public ophion::PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.readers.csv_reader";
    return module;
  }
};

}  // namespace

OPHION_READER("csv", ophion::NeedsPython::yes, CsvReader, ".csv .csv.gz .tsv")
