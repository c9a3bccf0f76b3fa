/// Small calls from many threads, scored together: a Backend over another one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ophion/method.h>

namespace ophion {

/// Flat combining, without a thread of its own: who finds nobody scoring scores at once, alone. Who comes meanwhile leaves its rows in a
/// list and sleeps; the one that waits longest is woken when the running call ends, scores the rows of all that wait together with its own,
/// and hands each its scores. When a joint call fails, all but the lone ones score once more by themselves, each in its own thread, so
/// that only the guilty one has an error.
///
/// No lock is held while the other backend works, and who may not wait (Backend::may_wait) scores by itself, as does a call with more rows
/// than a joint one may have, and one that is made from within a joint call.
class JointBackend final : public Backend {
 public:
  /// `most_rows`: of a joint call.
  JointBackend(std::unique_ptr<const Backend> own, const Spec& spec, std::size_t most_rows);

  const std::string& name() const noexcept override { return own_->name(); }
  void predict(const MatrixView& features, std::span<float> out) const override;
  Value versions() const override { return own_->versions(); }
  bool may_wait() const noexcept override { return own_->may_wait(); }

 private:
  struct Call;
  class Lead;
  class Batch;

  bool takes_part(const MatrixView& features, std::span<float> out) const noexcept;
  std::int32_t turn_of(Call& mine) const noexcept;
  bool score_waiting() const;
  void hand_over() const noexcept;

  const std::unique_ptr<const Backend> own_;
  const std::size_t features_;
  const std::size_t outputs_;
  const std::size_t most_rows_;

  /// Null: nobody scores. `taken`: somebody does and nobody waits. Else the newest of those that wait.
  mutable std::atomic<Call*> newest_ = nullptr;
  // These belong to whoever scores, and go from one to the next with that right.
  mutable Call* oldest_ = nullptr;  ///< those that wait and are known to have come, in their order
  mutable std::vector<float> rows_;
  mutable std::vector<float> scores_;
};

}  // namespace ophion
