/// Neutral forms as they lie in model files: read, refused by name, and scored by many threads at once.
#include "native_backend.h"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>

#include "core/error_of.h"
#include "core/native_model.h"
#include "native/forest_reference.h"

using namespace ophion;
using testing::HasSubstr;

namespace {

constexpr const char* sum = R"({"kind": "forest", "link": "identity", "scale": 1})";
constexpr const char* median = R"({"kind": "forest", "link": "identity", "scale": 1, "join": "weighted_median"})";

native::ForestMaker made_forest(const native::ForestPlan& plan, const std::vector<std::size_t>& leaves) {
  native::ForestMaker maker(plan, 3);
  for (const std::size_t count : leaves) maker.add_tree(count);
  return maker;
}

const native::ForestPlan plan_of_median{.features = 3, .median = true};

Payload payload_of(const native::ForestArrays& forest, const std::string& description) {
  Payload payload;
  payload.members = forest_members(forest, description);
  return payload;
}

Spec spec_of(std::size_t targets) {
  Spec spec{"regression", {"x", "abs_y", "z"}, {}, {"t"}};
  spec.targets.resize(targets, "u");
  return spec;
}

std::string refusal(const Payload& payload, std::size_t targets = 1) {
  return error_of<ModelError>([&] { make_native_backend(payload, spec_of(targets)); });
}

}  // namespace

TEST(NativePayload, SaysHowItsTreesAreJoined) {
  native::ForestMaker maker = made_forest(plan_of_median, {3, 8, 40, 90, 5});
  const auto backend = make_native_backend(payload_of(maker.arrays, median), spec_of(1));
  const std::vector<float> events = maker.events(100, 0.1);
  std::vector<float> scores(100);
  backend->predict(MatrixView(events.data(), 100, 3), scores);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(scores[i], static_cast<float>(native::plain_sums(maker.arrays, &events[3 * i])[0]));
}

TEST(NativePayload, IsASumWhereItDoesNotSay) {
  native::ForestMaker maker = made_forest({.features = 3}, {3, 8});
  const std::vector<float> event{0.5f, 1, 2};
  float silent = 0, said = 0;
  make_native_backend(payload_of(maker.arrays, sum), spec_of(1))->predict(MatrixView(event.data(), 1, 3), {&silent, 1});
  const std::string description = R"({"kind": "forest", "link": "identity", "scale": 1, "join": "sum"})";
  make_native_backend(payload_of(maker.arrays, description), spec_of(1))->predict(MatrixView(event.data(), 1, 3), {&said, 1});
  EXPECT_EQ(silent, static_cast<float>(native::plain_sums(maker.arrays, event.data())[0]));
  EXPECT_EQ(said, silent);
}

TEST(NativePayload, ThatJoinsItsTreesAsNobodyKnowsIsRefused) {
  const native::ForestArrays forest = made_forest(plan_of_median, {3, 8}).arrays;
  const std::string mode = R"({"kind": "forest", "link": "identity", "scale": 1, "join": "mode"})";
  const std::string number = R"({"kind": "forest", "link": "identity", "scale": 1, "join": 2})";
  EXPECT_THAT(refusal(payload_of(forest, mode)), HasSubstr("the join 'mode' is unknown to this Ophion"));
  EXPECT_THAT(refusal(payload_of(forest, number)), HasSubstr("expected text, found"));
}

TEST(NativePayload, OfAMedianNeedsAWeightForEachTreeAndOneOutput) {
  native::ForestArrays forest = made_forest(plan_of_median, {3, 8}).arrays;
  EXPECT_THAT(refusal(payload_of(forest, median), 2), HasSubstr("base is not one number an output"));
  forest.base = {0, 0};
  EXPECT_THAT(refusal(payload_of(forest, median), 2), HasSubstr("a weighted median of 2 outputs"));
  forest.base = {0};
  forest.tree_weight = {1, -0.5};
  EXPECT_THAT(refusal(payload_of(forest, median)), HasSubstr("the native payload can't be: forest: a tree of weight -0.5"));
  forest.tree_weight = {1};
  EXPECT_THAT(refusal(payload_of(forest, median)), HasSubstr("tree_weight is not one number a tree"));
  forest.tree_weight.clear();
  EXPECT_THAT(refusal(payload_of(forest, median)), HasSubstr("arrays.safetensors lacks 'tree_weight'"));
}

// --- threads ------------------------------------------------------------------------------------------------------------------------

namespace {

std::map<std::string, std::string> network_members() {
  const std::vector<float> first(std::size_t{40} * 3, 0.25f), last(40, -0.5f), shift(40, 0.1f), one(1, 0.3f);
  const std::string description = R"({"kind": "network", "link": "logistic", "steps": [{"type": "dense", "arrays": "0"}, {"type": "tanh"},
    {"type": "add", "from": 0}, {"type": "dense", "arrays": "3"}]})";
  const std::string arrays = write_safetensors({{"0.weight", make_tensor(first, {40, 3})},
                                                {"0.bias", make_tensor(shift, {40})},
                                                {"3.weight", make_tensor(last, {1, 40})},
                                                {"3.bias", make_tensor(one, {1})}});
  return {{"model.json", description}, {"arrays.safetensors", arrays}};
}

/// What one thread does: batches of several sizes, columns by name, and single events through a binding of its own and one of all threads.
void score_again_and_again(const Model& model, const BoundScore& shared, const std::vector<float>& events, const std::vector<float>& expected,
                           std::size_t thread) {
  const std::size_t rows = expected.size();
  const BoundScore own = model.bind({"z", "y", "x"});
  for (std::size_t round = 0; round < 3; ++round) {
    std::vector<float> scores(rows);
    for (const std::size_t size : {rows, std::size_t{5}, std::size_t{20} + 7 * thread}) {
      for (std::size_t first = 0; first < rows; first += size) {
        const std::size_t count = std::min(size, rows - first);
        model.predict(MatrixView(&events[3 * first], count, 3), std::span(scores).subspan(first, count));
      }
      ASSERT_EQ(scores, expected);
    }
    for (std::size_t i = 0; i < rows; i += 3) {
      const float* const event = &events[3 * i];
      ASSERT_EQ(own({event[2], event[1], event[0]}), expected[i]);
      ASSERT_EQ(shared({event[0], event[1], event[2]}), expected[i]);
    }
  }
}

struct Threaded {
  std::string name;
  std::function<std::map<std::string, std::string>()> payload;
  double missing = 0;  ///< share of numbers
};

void PrintTo(const Threaded& given, std::ostream* out) { *out << given.name; }

class NativeModels : public testing::TestWithParam<Threaded> {};

std::map<std::string, std::string> of_forest(const native::ForestPlan& plan, const std::vector<std::size_t>& leaves, const char* description) {
  return forest_members(made_forest(plan, leaves).arrays, description);
}

TEST_P(NativeModels, GiveThreadsThatScoreAtOnceTheScoresOfOneAlone) {
  const Threaded& given = GetParam();
  const Model model(native_model(given.payload(), given.missing > 0 ? "keep" : "error"));
  ASSERT_EQ(model.backend(), "native");
  constexpr std::size_t rows = 150;
  std::vector<float> events = made_forest({.features = 3, .infinite = 0}, {40}).events(rows, given.missing);
  for (float& number : events) number = std::isinf(number) ? 1.0f : std::fabs(number);  // abs(y) is y
  std::vector<float> expected(rows);
  for (std::size_t i = 0; i < rows; ++i) expected[i] = model.predict(MatrixView(&events[3 * i], 1, 3)).front();
  const BoundScore shared = model.bind({"x", "y", "z"});
  for (int life = 0; life < 2; ++life) {  // threads that are gone leave nothing to those that come
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] { score_again_and_again(model, shared, events, expected, thread); });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

const std::vector<std::size_t> small_trees(40, 8), all_sizes{3, 8, 20, 40, 64, 90, 300};

INSTANTIATE_TEST_SUITE_P(
    Of, NativeModels,
    testing::Values(Threaded{"Sets", [] { return of_forest({.features = 3}, small_trees, sum); }, 0.05},
                    Threaded{"Walks", [] { return of_forest({.features = 3, .missing = false}, {200, 90, 1000}, sum); }},
                    Threaded{"Categories", [] { return of_forest({.features = 3, .categories = true}, all_sizes, sum); }, 0.05},
                    Threaded{"Medians", [] { return of_forest(plan_of_median, all_sizes, median); }, 0.05},
                    Threaded{"Networks", [] { return network_members(); }}),
    [](const auto& test) { return test.param.name; });

}  // namespace

namespace {

/// A program's static object that scores once more when it is destroyed: the main thread's own memory is gone by then.
class ScoresAtTheEnd {
 public:
  explicit ScoresAtTheEnd(Model model) : model_(std::move(model)) { score(); }
  ~ScoresAtTheEnd() {
    // As large as what the thread kept: an allocator gives it the place of that.
    const std::vector<float> program(3 * rows, 7), again(3 * rows, 7);
    score();
    for (const auto* numbers : {&program, &again}) {
      if (*numbers != std::vector<float>(3 * rows, 7)) std::_Exit(1);
    }
    std::_Exit(model_.predict(MatrixView(events_.data(), rows, 3)) == scores_ ? 0 : 2);
  }

 private:
  static constexpr std::size_t rows = 64;

  void score() { scores_ = model_.predict(MatrixView(events_.data(), rows, 3)); }

  Model model_;
  std::vector<double> events_ = std::vector<double>(3 * rows, 0.5);  // to be made float32 in memory that the thread keeps
  std::vector<float> scores_;
};

}  // namespace

TEST(NativeModel, ScoresWhileStaticObjectsAreDestroyed) {
  native::ForestMaker maker = made_forest({.features = 3}, {3, 8, 40});
  const Model model(native_model(forest_members(maker.arrays, sum), "keep"));
  const auto end = [&] {
    static const ScoresAtTheEnd last(model);
    std::exit(3);  // after what `last` says
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(0), "");
}
