/// The reader "hdf5": HDF5 files, by h5py.
#include <ophion/plugin.h>
#include <ophion/py_reader_base.h>

namespace {

class Hdf5Reader final : public ophion::PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.readers.hdf5_reader";
    return module;
  }
};

}  // namespace

OPHION_READER("hdf5", ophion::NeedsPython::yes, Hdf5Reader, ".h5 .hdf5")
