/// A reader of made-up files, for tests of isolation: three chunks of five rows; the file's name says what happens in the second.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>

#include <ophion/error.h>
#include <ophion/plugin.h>

namespace {

using ophion::Column;
using ophion::Columns;

class GuestStream : public ophion::ChunkStream {
 public:
  GuestStream(std::string file, std::vector<std::string> wanted) : file_(std::move(file)), wanted_(std::move(wanted)) {}
  std::optional<Columns> next() override {
    if (chunks_ == 3) return std::nullopt;
    if (chunks_ == 1 && file_.find("exit") != file_.npos) _exit(9);
    if (chunks_ == 1 && file_.find("loop") != file_.npos) {
      for (volatile bool go_on = true; go_on;) {
      }
    }
    if (chunks_ == 1 && file_.find("bomb") != file_.npos) {
      for (;;) std::memset(::operator new(64 << 20), 1, 64 << 20);
    }
    if (chunks_ == 1 && file_.find("write") != file_.npos) {
      if (open((file_ + ".stolen").c_str(), O_WRONLY | O_CREAT, 0600) < 0) throw ophion::DataError(std::string("writing: ") + std::strerror(errno));
    }
    if (chunks_ == 1 && file_.find("damaged") != file_.npos) throw ophion::DataError(file_ + ": damaged");
    std::iota(numbers_.begin(), numbers_.end(), static_cast<float>(100 * chunks_++));
    // Every third number; two of three; and one that lies without gaps.
    Column strided("strided", ophion::MatrixView(numbers_.data(), 5, 1, 3, 1));
    Column pair("pair", ophion::MatrixView(numbers_.data() + 1, 5, 2, 3, 1));
    Column dense("dense", std::span<const std::int64_t>(events_));
    if (file_.find("large") != file_.npos) dense = Column("dense", std::span<const std::int64_t>(many_));
    Columns columns{strided, pair, dense};
    const auto is_wanted = [this](const Column& one) { return std::find(wanted_.begin(), wanted_.end(), one.name) != wanted_.end(); };
    if (!wanted_.empty()) std::erase_if(columns, std::not_fn(is_wanted));
    return columns;
  }

 private:
  std::string file_;
  std::vector<std::string> wanted_;  // empty: all
  int chunks_ = 0;
  std::vector<float> numbers_ = std::vector<float>(15);
  std::vector<std::int64_t> events_{std::int64_t{1} << 60, 2, 3, 4, process_};
  std::vector<std::int64_t> many_ = std::vector<std::int64_t>(1 << 20, 7);
  static inline const std::int64_t process_ = getpid();
};

class GuestReader : public ophion::Reader {
 public:
  std::vector<std::string> trees(const std::string&) const override { return {"one", "two"}; }
  ophion::FileInfo describe(const std::string& file, const std::string& tree) const override {
    if (file.find("promises") != file.npos) return {tree, {{"x", "float32", true}, {"y", "float32", true}, {"z", "float32", true}}, 15};
    return {tree, {{"strided", "float32", true}, {"text", "string", false}}, 15};
  }
  std::unique_ptr<ophion::ChunkStream> open(const std::string& file, const std::string&, const std::vector<std::string>& columns) const override {
    return std::make_unique<GuestStream>(file, columns);
  }
};

}  // namespace

OPHION_READER("guest", ophion::NeedsPython::no, GuestReader, ".guest")
