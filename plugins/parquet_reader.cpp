/// The reader "parquet": Parquet files, by pyarrow.
#include <ophion/plugin.h>
#include <ophion/py_reader_base.h>

namespace {

class ParquetReader final : public ophion::PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.readers.parquet_reader";
    return module;
  }
};

}  // namespace

OPHION_READER("parquet", ophion::NeedsPython::yes, ParquetReader, ".parquet .pq")
