/// The reader "root": TTrees and RNTuples, by uproot.
#include <ophion/plugin.h>
#include <ophion/py_reader_base.h>

namespace {

class RootReader final : public ophion::PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "ophion.readers.root_reader";
    return module;
  }
};

}  // namespace

OPHION_READER("root", ophion::NeedsPython::yes, RootReader, ".root")
