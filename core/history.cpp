/// The epochs of a training, in a file and to the host.
#include "history.h"

#include <iterator>
#include <string>
#include <utility>

#include <ophion/error.h>

namespace ophion {
namespace fs = std::filesystem;

History::History(const fs::path& file, const ProgressCallback& host, int folds) : host_(host), file_(file), folds_(folds) {
  drop_half_a_line();
  stream_.open(file, std::ios::app);
}

bool History::operator()(const Progress& now) {
  Progress progress = now;
  progress.fold = folds_ > 0 ? fold_ + 1 : 0;
  progress.folds = folds_;
  Value epoch = Value::object();
  if (folds_ > 0) epoch.set("fold", fold_);
  epoch.set("epoch", progress.epoch);
  for (const auto& [name, value] : progress.metrics) epoch.set(name, value);
  stream_ << write_json(epoch, 0) << std::endl;
  epochs_.push_back(std::move(epoch));
  if (!stream_) throw Error("cannot write " + file_.string());
  const bool go_on = (!host_ || host_(progress)) && progress.keep_going();
  stopped_ = stopped_ || !go_on;
  return go_on;
}

/// A run that found no room may have left one at the end of the file, to which this one would add its own.
void History::drop_half_a_line() const {
  std::ifstream stream(file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t whole = text.rfind('\n') + 1;  // 0 where there is none
  std::error_code problem;
  if (whole < text.size()) fs::resize_file(file_, whole, problem);
  if (problem) throw Error("cannot write " + file_.string() + ": " + problem.message());
}

}  // namespace ophion
