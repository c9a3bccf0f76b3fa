/// PyMethodBase: the verbs of every method, with a face that does what each test wants.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include <ophion/error.h>
#include <ophion/py_method_base.h>
#include <ophion/runtime.h>

#include "pymethods/gil.h"
#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing_support::ProbeMethod;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// What the face noted down.
Value seen(const char* key) {
  const Gil gil;
  const PyRef notes = check(PyObject_GetAttrString(import_module("probe_method").get(), "seen"), "reading notes");
  return to_value(PyDict_GetItemString(notes.get(), key), key);
}

class Methods : public testing_support::PythonTest {
 protected:
  Methods() {
    context_.name = "mean";
    context_.spec = {"classification", {"a", "b"}, {"background", "signal"}, {}};
    context_.options.set("script", "/home/user/mlp.py");
    for (int i = 0; i < 200; ++i) {
      features_.push_back(static_cast<float>(i));
      features_.push_back(static_cast<float>(-2 * i));
      labels_.push_back(i >= 150 ? 1 : 0);
      weights_.push_back(0.5);
    }
    data_.train.features = MatrixView(features_.data(), 200, 2);
    data_.train.labels = labels_;
    data_.train.weights = weights_;
  }
  ~Methods() override {
    configure({});
    clear_interrupt();
    const Gil gil;
    const PyRef kept = check(PyObject_GetAttrString(import_module("probe_method").get(), "kept"), "forgetting");
    check(PyList_SetSlice(kept.get(), 0, PyList_GET_SIZE(kept.get()), nullptr), "forgetting");
  }

  void option(const char* key, const char* value) { context_.options.set(key, value); }
  Payload train() const { return method_.train(data_, context_); }
  std::unique_ptr<Backend> load(const Payload& payload) const {
    return method_.load(payload, context_.spec, context_.options, {});
  }
  std::vector<float> predict(const Backend& backend, std::size_t rows = 200) const {
    std::vector<float> scores(rows);
    backend.predict(MatrixView(features_.data(), rows, 2), scores);
    return scores;
  }
  template <class E>
  void expect_training_error(const testing::Matcher<const std::string&>& text) const {
    EXPECT_THAT([this] { train(); }, ThrowsMessage<E>(text));
  }

  ProbeMethod method_;
  TrainContext context_;
  TrainingData data_;
  std::vector<float> features_;
  std::vector<std::int32_t> labels_;
  std::vector<double> weights_;
};

TEST_F(Methods, TrainOnTheEventsAsTheyAreGiven) {
  context_.seed = 18446744073709551615u;
  train();
  EXPECT_EQ(seen("rows"), Value(200));
  EXPECT_EQ(seen("y").at(149), Value(0));
  EXPECT_EQ(seen("y").at(150), Value(1));
  EXPECT_EQ(seen("dtype"), Value("int32"));
  EXPECT_EQ(seen("w").at(7), Value(0.5));
  EXPECT_TRUE(seen("validation").is_null());
  EXPECT_EQ(seen("n_outputs"), Value(1));
}

TEST_F(Methods, HandOverTheValidationPart) {
  data_.validation = data_.train;
  data_.validation.features = data_.validation.features.slice(0, 10);
  data_.validation.labels = data_.validation.labels.first(10);
  data_.validation.weights = data_.validation.weights.first(10);
  context_.seed = 7;
  train();
  EXPECT_EQ(seen("validation"), Value(10));
  EXPECT_EQ(seen("seed"), Value(7));
  EXPECT_EQ(seen("spec_seed"), Value(7));
}

TEST_F(Methods, HandOverTargetsForRegression) {
  const std::vector<float> targets(400, 1.5f);
  context_.spec = {"regression", {"a", "b"}, {}, {"t", "u"}};
  data_.train.labels = {};
  data_.train.targets = MatrixView(targets.data(), 200, 2);
  context_.options.set("predict", "identity");
  train();
  EXPECT_EQ(seen("y").at(199), read_json("[1.5, 1.5]", "expected"));
  EXPECT_EQ(seen("n_outputs"), Value(2));
}

TEST_F(Methods, LeaveBytesAndFacts) {
  const Payload payload = train();
  ASSERT_EQ(payload.members.size(), 2u);
  EXPECT_EQ(payload.members.at("script/probe.py"), "# source");
  EXPECT_EQ(payload.members.at("model.bin").size(), sizeof(double));
  EXPECT_EQ(payload.info.at("carries_code"), Value(true));
  EXPECT_THAT(payload.info.at("versions").at("python").as_text(), testing::StartsWith("3."));
  EXPECT_NE(payload.info.at("versions").find("numpy"), nullptr);
}

TEST_F(Methods, ScoreWhatTheyLoad) {
  const auto backend = load(train());
  EXPECT_EQ(backend->name(), "python");
  EXPECT_THAT(predict(*backend, 3), ElementsAre(0.5f, 0.0f, -0.5f));  // (a + b) / 2 + 0.5
  EXPECT_NE(backend->versions().find("numpy"), nullptr);
}

TEST_F(Methods, ScoreNoEventsWithoutCallingPython) {
  option("predict", "fail");
  context_.options.set("save", Value());
  Payload payload;
  payload.members.emplace("model.bin", std::string(8, '\0'));
  const auto backend = method_.load(payload, context_.spec, context_.options, {});
  std::vector<float> none;
  EXPECT_NO_THROW(backend->predict(MatrixView(features_.data(), 0, 2), none));
}

TEST_F(Methods, RefuseFeaturesAndResultsOfAnotherSize) {
  const auto backend = load(train());
  std::vector<float> scores(3);
  EXPECT_THAT([&] { backend->predict(MatrixView(features_.data(), 3, 1), scores); },
              ThrowsMessage<Error>("mlp.py: predict(): expected 2 features, found 1"));
  EXPECT_THAT([&] { backend->predict(MatrixView(features_.data(), 4, 2), scores); },
              ThrowsMessage<Error>("mlp.py: predict(): expected room for 4 scores, found 3"));
}

TEST_F(Methods, TakeScoresFromWhatLooksLikeATensor) {
  option("predict", "no_tensor");
  EXPECT_THAT(predict(*load(train()), 3), ElementsAre(0.0f, -0.5f, -1.0f));
}

TEST_F(Methods, CheckSaysWhichOptionIsWrong) {
  context_.options.set("hidden", -3);
  try {
    method_.check(context_);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.pointer(), "/params/hidden");
  }
}

TEST_F(Methods, NameTheScriptInTheErrorsOfItsTraining) {
  option("train", "fail");
  try {
    train();
    FAIL();
  } catch (const PythonError& error) {
    EXPECT_EQ(error.type(), "ValueError");
    EXPECT_THAT(error.what(), HasSubstr("mlp.py: train()"));
  }
}

TEST_F(Methods, AScriptThatExitsIsAnError) {
  option("train", "exit");
  expect_training_error<PythonError>(HasSubstr("exit with code 4"));
}

TEST_F(Methods, RefuseToTrainOnNothing) {
  data_.train = {};
  expect_training_error<DataError>(std::string("method 'mean': there are no events to train on"));
}

TEST_F(Methods, RehearseOnSomeEventsOfEachClass) {
  train();
  EXPECT_EQ(seen("rehearsal_rows"), Value(50));
  EXPECT_EQ(seen("rehearsal_labels"), read_json("[0, 1]", "expected"));
}

TEST_F(Methods, LetPassARehearsalWithTooFewEvents) {
  option("train", "fail_on_few");
  EXPECT_NO_THROW(train());
}

TEST_F(Methods, FindOutBeforeTheTrainingThatAModelCantBeSaved) {
  option("save", "fail");
  expect_training_error<PythonError>(HasSubstr("mlp.py: save()"));
  option("save", "text");
  expect_training_error<Error>(
      std::string("mlp.py: save() returned 'model.txt': expected bytes, found a value of type 'str'"));
  option("save", "nothing");
  expect_training_error<Error>(std::string("mlp.py: save() returned nothing to keep"));
}

TEST_F(Methods, FindOutBeforeTheTrainingThatAModelIsAnotherOneAfterLoading) {
  option("save", "lossy");
  expect_training_error<ModelError>(HasSubstr("mlp.py: the model of method 'mean' can't be kept: saved and loaded again it "
                                              "scores row 0 as 0.000000 instead of 0.500000"));
}

TEST_F(Methods, NameWhoKeepsEvents) {
  option("train", "keep");
  expect_training_error<Error>(std::string("mlp.py: train() kept the events it was lent: copy what must last"));
  option("train", "");
  option("predict", "keep");
  expect_training_error<Error>(std::string("mlp.py: predict() kept the events it was lent: copy what must last"));
}

TEST_F(Methods, ReportTheirProgress) {
  option("train", "report");
  std::vector<Progress> reports;
  context_.progress = [&](const Progress& progress) {
    EXPECT_FALSE(PyGILState_Check());
    reports.push_back(progress);
    return true;
  };
  train();
  ASSERT_EQ(reports.size(), 5u);
  EXPECT_EQ(reports[1].method, "mean");
  EXPECT_EQ(reports[1].epoch, 2);
  EXPECT_EQ(reports[1].epochs, 5);
  EXPECT_THAT(reports[1].metrics,
              testing::UnorderedElementsAre(testing::Pair("loss", 0.5), testing::Pair("validation/loss", 1.0)));
}

TEST_F(Methods, StopWhenTheHostSaysSo) {
  option("train", "report");
  int reports = 0;
  context_.progress = [&](const Progress& progress) { return ++reports, progress.epoch < 3; };
  train();
  EXPECT_EQ(reports, 3);
}

TEST_F(Methods, StopWhenInterrupted) {
  option("train", "report");
  int reports = 0;
  context_.progress = [&](const Progress& progress) {
    ++reports;
    if (progress.epoch == 2) interrupt();
    return true;
  };
  train();
  EXPECT_EQ(reports, 2);
}

TEST_F(Methods, LetScriptsAskWhetherToStop) {
  option("train", "wait");
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    interrupt();
  });
  EXPECT_NO_THROW(train());
  later.join();
}

struct HostFailure : std::runtime_error {
  using runtime_error::runtime_error;
};

TEST_F(Methods, PassOnWhatTheHostsCallbackThrows) {
  int calls = 0;
  context_.progress = [&](const Progress&) -> bool {
    ++calls;
    throw HostFailure("disk full");
  };
  option("train", "report");
  expect_training_error<HostFailure>(std::string("disk full"));
  EXPECT_EQ(calls, 1);
  option("train", "ignore_the_host");  // a script that swallows every Exception does not train on
  expect_training_error<HostFailure>(std::string("disk full"));
  EXPECT_EQ(calls, 2);
}

TEST_F(Methods, ContextsThatAreKeptTellNobodyAnymore) {
  option("train", "keep_context");
  int calls = 0;
  context_.progress = [&](const Progress&) { return ++calls > 0; };
  train();
  const Gil gil;
  const PyRef kept = check(PyObject_GetAttrString(import_module("probe_method").get(), "kept"), "kept");
  PyObject* context = PyList_GET_ITEM(kept.get(), PyList_GET_SIZE(kept.get()) - 1);
  static Name report("report"), should_stop("should_stop");
  const PyRef one = check(PyLong_FromLong(1), "one");
  EXPECT_EQ(call_method(context, report, {one.get()}, "reporting").get(), Py_False);
  EXPECT_EQ(attribute(context, should_stop, "asking").get(), Py_True);
  EXPECT_EQ(calls, 0);
}

/// Whether the memory in which calls from here lay a moment ago is as it was after `action`.
[[gnu::noinline]] bool leaves_alone_what_lay_here(const std::function<void()>& action) {
  std::array<volatile unsigned char, 1 << 18> memory;
  for (auto& byte : memory) byte = 0xAA;
  action();
  return std::all_of(memory.begin(), memory.end(), [](unsigned char byte) { return byte == 0xAA; });
}

TEST_F(Methods, EndWhileAThreadOfTheirsIsInTheHostsCode) {
  option("train", "report_from_a_thread");
  std::promise<void> over;
  context_.progress = [&](const Progress&) {
    {
      const Gil gil;
      testing_support::call_function("probe_method", "host_was_asked");
    }
    over.get_future().wait();
    return true;
  };
  train();
  EXPECT_TRUE(leaves_alone_what_lay_here([&] {
    over.set_value();
    const Gil gil;
    testing_support::call_function("probe_method", "join_reporter");
  }));
}

TEST_F(Methods, LimitThreadsAndGiveThemBack) {
  const auto torch_threads = [] {
    const Gil gil;
    return to_value(testing_support::call_function("torch", "get_num_threads").get(), "threads").as_integer();
  };
  const auto before = torch_threads();
  context_.call.threads = 1;
  train();
  EXPECT_EQ(seen("threads"), Value(1));
  EXPECT_EQ(torch_threads(), before);
  context_.call.threads = 0;
  RuntimeOptions options;
  options.threads = 2;
  configure(options);
  train();
  EXPECT_EQ(seen("threads"), Value(2));
}

TEST_F(Methods, GiveTheSameBitsInEightThreads) {
  const auto backend = load(train());
  const std::vector<float> expected = predict(*backend);
  std::vector<std::vector<float>> found(8, std::vector<float>(200));
  std::vector<std::thread> threads;
  for (auto& scores : found) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 200; ++i) {
        backend->predict(MatrixView(features_.data() + 2 * i, 1, 2), std::span(&scores[i], 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& scores : found) EXPECT_EQ(scores, expected);
}

TEST_F(Methods, LetNoThreadWaitThatHoldsTheGil) {
  const auto backend = load(train());
  EXPECT_TRUE(backend->may_wait());
  {
    const Gil gil;
    EXPECT_FALSE(backend->may_wait());
  }
  EXPECT_TRUE(backend->may_wait());
}

TEST_F(Methods, BackendsAreDestroyedByAnyThread) {
  auto backend = load(train());
  std::thread([held = std::move(backend)]() mutable { held.reset(); }).join();
}

TEST_F(Methods, NameAMissingFunctionOfAFace) {
  class Wrong final : public PyMethodBase {
   public:
    const PyMethodTraits& traits() const noexcept override {
      static const PyMethodTraits traits{{"wrong", {}}, "failing"};
      return traits;
    }
  };
  EXPECT_THAT([this] { Wrong().check(context_); }, ThrowsMessage<PythonError>(HasSubstr("failing has no function check()")));
}

}  // namespace
}  // namespace ophion
