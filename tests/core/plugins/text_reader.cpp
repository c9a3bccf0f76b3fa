/// Readers' side of the registry, for tests: knows endings, reads nothing.
#include <stdexcept>

#include <ophion/plugin.h>

namespace {

class TextReader : public ophion::Reader {
 public:
  std::vector<std::string> trees(const std::string&) const override { return {""}; }
  ophion::FileInfo describe(const std::string&, const std::string&) const override {
    ophion::FileInfo info;
    info.tree = "text";
    return info;
  }
  std::unique_ptr<ophion::ChunkStream> open(const std::string&, const std::string&, const std::vector<std::string>&) const override {
    throw std::runtime_error("reads nothing");
  }
};

}  // namespace

OPHION_READER("text", ophion::NeedsPython::no, TextReader, ".txt .txt.gz")
