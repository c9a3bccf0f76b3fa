/// Small calls of many threads scored together: by a backend that stands still when told, and through Model with weighted sums.
#include "joint_backend.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>

#include "core/small_model.h"

using namespace ophion;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Gt;
using testing::Le;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t feature_count = 2;

Spec spec_of_sums() { return {"classification", {"x", "y"}, {"background", "signal"}, {}}; }

/// What a SlowSum has seen and is told, which outlives it.
struct Witness {
  std::atomic<bool> holds = false;       ///< calls stand still
  std::atomic<int> running = 0;          ///< calls that have begun
  std::atomic<int> asked = 0;            ///< threads that were about to wait
  std::atomic<bool> may_wait = true;
  std::mutex mutex;
  std::vector<std::size_t> rows;  ///< of each call, in the order of their ends

  void wait_until(const std::atomic<int>& counter, int least) const {
    while (counter < least) std::this_thread::yield();
  }
  std::vector<std::size_t> seen() {
    const std::lock_guard lock(mutex);
    return rows;
  }
};

/// x + 10 y; a row whose x is 13 is an error that names it.
class SlowSum final : public Backend {
 public:
  explicit SlowSum(std::shared_ptr<Witness> witness) : witness_(std::move(witness)) {}
  const std::string& name() const noexcept override {
    static const std::string sum = "sum";
    return sum;
  }
  void predict(const MatrixView& rows, std::span<float> out) const override {
    ++witness_->running;
    while (witness_->holds) std::this_thread::yield();
    {
      const std::lock_guard lock(witness_->mutex);
      witness_->rows.push_back(rows.rows());
    }
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      if (rows.at(i, 0) == 13.0f) throw DataError("row " + std::to_string(i) + " of " + std::to_string(rows.rows()) + " is unlucky");
      out[i] = rows.at(i, 0) + 10 * rows.at(i, 1);
    }
  }
  bool may_wait() const noexcept override {
    ++witness_->asked;
    return witness_->may_wait;
  }

 private:
  std::shared_ptr<Witness> witness_;
};

/// The backend, and what its calls look like from below.
struct Joint {
  std::shared_ptr<Witness> witness = std::make_shared<Witness>();
  explicit Joint(std::size_t most_rows) : backend(std::make_unique<SlowSum>(witness), spec_of_sums(), most_rows) {}
  JointBackend backend;

  float score(float x, float y) const {
    const float row[feature_count] = {x, y};
    float out = 0;
    backend.predict(MatrixView(row, 1, feature_count), std::span(&out, 1));
    return out;
  }

  /// One call that stands still, and `others` that come meanwhile with x = 0, 1, … of one row each; their scores, or NaN for an error.
  std::vector<float> crowd(int others, std::vector<std::string>* errors = nullptr) {
    std::vector<float> scores(static_cast<std::size_t>(others), std::nanf(""));
    std::vector<std::string> texts(scores.size());
    witness->holds = true;
    std::thread first([&] { score(100, 0); });
    witness->wait_until(witness->running, 1);
    std::vector<std::thread> threads;
    for (int i = 0; i < others; ++i) {
      threads.emplace_back([&, i] {
        const auto place = static_cast<std::size_t>(i);
        try {
          scores[place] = score(static_cast<float>(i), 1);
        } catch (const Error& error) {
          texts[place] = error.what();
        }
      });
    }
    witness->wait_until(witness->asked, others);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // from the question to the list
    witness->holds = false;
    first.join();
    for (std::thread& thread : threads) thread.join();
    if (errors) *errors = texts;
    return scores;
  }
};

}  // namespace

TEST(JointCalls, ScoreTheRowsOfThoseThatWait) {
  Joint joint(64);
  EXPECT_THAT(joint.crowd(5), ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(joint.witness->seen(), Contains(Gt(std::size_t{1})));
  EXPECT_EQ(joint.score(1, 2), 21);
  EXPECT_EQ(joint.witness->seen().back(), 1U);
}

TEST(JointCalls, HaveNoMoreRowsThanAllowed) {
  Joint joint(3);
  EXPECT_THAT(joint.crowd(8), ElementsAre(10, 11, 12, 13, 14, 15, 16, 17));
  EXPECT_THAT(joint.witness->seen(), Each(Le(std::size_t{3})));
  EXPECT_THAT(joint.witness->seen(), Contains(Gt(std::size_t{1})));
}

TEST(JointCalls, LeaveAnErrorWithTheGuilty) {
  Joint joint(64);
  std::vector<std::string> errors;
  const std::vector<float> scores = joint.crowd(15, &errors);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i == 13) {
      EXPECT_EQ(errors[i], "row 0 of 1 is unlucky");
    } else {
      EXPECT_EQ(errors[i], "");
      EXPECT_EQ(scores[i], static_cast<float>(i) + 10);
    }
  }
}

TEST(JointCalls, DoNotKeepThoseWaitingWhoMayNot) {
  Joint joint(64);
  joint.witness->may_wait = false;
  joint.witness->holds = true;
  std::thread first([&] { joint.score(100, 0); });
  joint.witness->wait_until(joint.witness->running, 1);
  std::thread second([&] { EXPECT_EQ(joint.score(1, 1), 11); });
  joint.witness->wait_until(joint.witness->running, 2);  // it scores while the first one still does
  joint.witness->holds = false;
  first.join();
  second.join();
}

TEST(JointCalls, TakeNoPartWhereTheyAreLarge) {
  Joint joint(4);
  joint.witness->holds = true;
  std::thread first([&] { joint.score(100, 0); });
  joint.witness->wait_until(joint.witness->running, 1);
  std::thread second([&] {
    const std::vector<float> rows(4 * feature_count, 1);
    std::vector<float> out(4);
    joint.backend.predict(MatrixView(rows.data(), 4, feature_count), out);
    EXPECT_THAT(out, Each(11));
  });
  joint.witness->wait_until(joint.witness->running, 2);
  joint.witness->holds = false;
  first.join();
  second.join();
  EXPECT_EQ(joint.witness->asked, 0);
}

TEST(JointCalls, OfSeveralRowsInAnyLayout) {
  Joint joint(64);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&joint, t] {
      for (int round = 0; round < 200; ++round) {
        const auto n = static_cast<std::size_t>(1 + (t + round) % 5);
        std::vector<float> columns(n * feature_count), out(n);  // column after column
        for (std::size_t i = 0; i < n; ++i) {
          columns[i] = static_cast<float>(t);
          columns[n + i] = static_cast<float>(i);
        }
        joint.backend.predict(MatrixView(columns.data(), n, feature_count, 1, static_cast<std::ptrdiff_t>(n)), out);
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], static_cast<float>(t) + 10 * static_cast<float>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JointCalls, FromThreadsThatComeAndGo) {
  Joint joint(16);
  std::vector<std::thread> keepers;
  for (int k = 0; k < 4; ++k) {
    keepers.emplace_back([&joint, k] {
      for (int life = 0; life < 50; ++life) {
        std::thread([&joint, k, life] {
          for (int i = 0; i < 20; ++i) {
            const float x = i % 7 == 0 ? 13 : static_cast<float>(k);  // some are guilty
            try {
              ASSERT_EQ(joint.score(x, static_cast<float>(life)), x + 10 * static_cast<float>(life));
              ASSERT_NE(x, 13);
            } catch (const DataError& error) {
              ASSERT_EQ(x, 13) << error.what();
            }
          }
        }).join();
      }
    });
  }
  for (std::thread& keeper : keepers) keeper.join();
}

TEST(JointCalls, OfAModelGiveTheScoresOfLoneOnes) {
  LoadOptions options;
  options.registry = Registry({fs::path(OPHION_BINARY_DIR) / "tests" / "cpp_plugins"});
  const Model alone(small_model(), options);
  options.batching = 32;
  const Model together(small_model(), options);
  EXPECT_EQ(together.backend(), alone.backend());
  EXPECT_EQ(together.versions(), alone.versions());
  const BoundScore bound = together.bind({"y", "x"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const float x = static_cast<float>(i), y = static_cast<float>(-t);
        const float row[feature_count] = {x, -y};
        ASSERT_EQ(bound({y, x}), alone.predict(MatrixView(row, 1, feature_count)).front());
        const float bad[feature_count] = {std::nanf(""), 1};
        ASSERT_THROW(static_cast<void>(together.predict(MatrixView(bad, 1, feature_count))), DataError);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JointCalls, AreForOneWorker) {
  LoadOptions options;
  options.isolation = Isolation::process;
  options.workers = 2;
  options.batching = 8;
  try {
    Model(small_model(), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "LoadOptions.batching makes one call of many, which keeps one worker busy: it needs workers = 1");
  }
}
