/// The reader "npy": NumPy's own files.
#include <ophion/plugin.h>
#include <ophion/py_reader_base.h>

namespace {

class NpyReader final : public ophion::PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.readers.npy_reader";
    return module;
  }
};

}  // namespace

OPHION_READER("npy", ophion::NeedsPython::yes, NpyReader, ".npy .npz")
