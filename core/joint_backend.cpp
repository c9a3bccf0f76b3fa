/// Small calls from many threads, scored together.
#include "joint_backend.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

namespace ophion {
namespace {

/// A script that scores with a model from within its own predict must wait for nobody: those may wait for it.
thread_local constinit bool leads_already = false;

}  // namespace

/// Lies on the stack of the thread that waits: nobody touches it after its `turn` has come. To wake a thread takes the address alone.
struct JointBackend::Call {
  enum Turn : std::int32_t { waits, leads, is_done, goes_alone };

  const MatrixView* features;
  std::span<float> out;
  Call* next = nullptr;  ///< the one that came before; in `oldest_`, the one that came after
  std::atomic<std::int32_t> turn = waits;

  void give(Turn now) noexcept {
    turn.store(now, std::memory_order_release);
    turn.notify_one();
  }
  /// Stands in `newest_` while somebody scores and nobody waits.
  static Call* taken() noexcept {
    static Call nobody{nullptr, {}};
    return &nobody;
  }
};

/// The right to score, given on at the end of the scope.
class JointBackend::Lead {
 public:
  explicit Lead(const JointBackend& backend) noexcept : backend_(backend) { leads_already = true; }
  ~Lead() {
    leads_already = false;
    backend_.hand_over();
  }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;

 private:
  const JointBackend& backend_;
};

JointBackend::JointBackend(std::unique_ptr<const Backend> own, const Spec& spec, std::size_t most_rows)
    : own_(std::move(own)), features_(spec.features.size()), outputs_(spec.outputs()), most_rows_(most_rows) {}

/// What is too large or can't be goes to the other backend as it is, which says what is wrong.
bool JointBackend::takes_part(const MatrixView& features, std::span<float> out) const noexcept {
  return features.rows() > 0 && features.rows() < most_rows_ && features.type() == DType::float32 && features.columns() == features_ &&
         out.size() == features.rows() * outputs_ && !leads_already;
}

void JointBackend::predict(const MatrixView& features, std::span<float> out) const {
  if (takes_part(features, out)) {
    Call mine{&features, out};
    std::int32_t turn = turn_of(mine);
    if (turn == Call::leads) {
      const Lead lead(*this);
      if (score_waiting()) turn = Call::is_done;
    }
    if (turn == Call::is_done) return;
  }
  own_->predict(features, out);
}

/// What the call is to do, now or after a sleep.
std::int32_t JointBackend::turn_of(Call& mine) const noexcept {
  Call* seen = nullptr;
  do {
    if (seen && !own_->may_wait()) return Call::goes_alone;
    mine.next = seen;
  } while (!newest_.compare_exchange_weak(seen, seen ? &mine : Call::taken(), std::memory_order_acq_rel, std::memory_order_acquire));
  if (!seen) {
    oldest_ = &mine;
    return Call::leads;
  }
  mine.turn.wait(Call::waits, std::memory_order_acquire);
  return mine.turn.load(std::memory_order_relaxed);
}

/// The calls of a joint one: they get their turns at the end of the scope, with or without scores.
class JointBackend::Batch {
 public:
  Batch(Call* first, Call* end) noexcept : first_(first), end_(end) {}
  ~Batch() {
    for (Call* call = first_->next; call != end_;) std::exchange(call, call->next)->give(turn_);  // gone once it has its turn
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void gather(float* to) const noexcept {
    for (const Call* call = first_; call != end_; call = call->next) {
      for (std::size_t i = 0; i < call->features->rows(); ++i) {
        for (std::size_t j = 0; j < call->features->columns(); ++j) *to++ = call->features->at(i, j);
      }
    }
  }
  void scatter(const float* from) noexcept {
    for (const Call* call = first_; call != end_; call = call->next) {
      std::copy_n(from, call->out.size(), call->out.data());
      from += call->out.size();
    }
    turn_ = Call::is_done;
  }

 private:
  Call* first_;
  Call* end_;
  Call::Turn turn_ = Call::goes_alone;
};

/// By the one that leads, which is the oldest. False: whose fault it is that the joint call failed shows when each goes alone.
bool JointBackend::score_waiting() const {
  Call* const mine = oldest_;
  std::size_t rows = 0;
  Call* rest = mine;
  for (; rest && rows + rest->features->rows() <= most_rows_; rest = rest->next) rows += rest->features->rows();
  oldest_ = rest;
  if (mine->next == rest) {
    own_->predict(*mine->features, mine->out);
    return true;
  }
  Batch batch(mine, rest);
  try {
    rows_.resize(std::max(rows_.size(), rows * features_));
    scores_.resize(std::max(scores_.size(), rows * outputs_));
    batch.gather(rows_.data());
    own_->predict(MatrixView(rows_.data(), rows, features_), std::span(scores_.data(), rows * outputs_));
  } catch (const std::exception&) {
    return false;
  }
  batch.scatter(scores_.data());
  return true;
}

/// To the one that waits longest; where nobody does, whoever comes next is free to score.
void JointBackend::hand_over() const noexcept {
  Call* seen = Call::taken();
  if (!oldest_ && newest_.compare_exchange_strong(seen, nullptr, std::memory_order_acq_rel)) return;
  Call* first = nullptr;
  for (Call* call = newest_.exchange(Call::taken(), std::memory_order_acq_rel); call != Call::taken();) {
    first = std::exchange(call, std::exchange(call->next, first));
  }
  Call** end = &oldest_;
  while (*end) end = &(*end)->next;
  *end = first;
  oldest_->give(Call::leads);
}

}  // namespace ophion
