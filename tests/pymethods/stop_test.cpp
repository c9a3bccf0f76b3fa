/// Stopping calls into Python: by interrupt() from any thread, and by their time limit.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "pymethods/value.h"

namespace ophion {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::ProbeMethod;

/// Far beyond what a stop takes, far below what would be for ever.
constexpr auto soon = 20s;

/// What the face has noted down by now; null where there is nothing yet.
Value noted_so_far(const char* key) {
  const Gil gil;
  const PyRef notes = check(PyObject_GetAttrString(import_module("probe_method").get(), "seen"), "reading notes");
  PyObject* note = PyDict_GetItemString(notes.get(), key);
  return note ? to_value(note, key) : Value();
}

void forget() {
  const Gil gil;
  const PyRef notes = check(PyObject_GetAttrString(import_module("probe_method").get(), "seen"), "reading notes");
  PyDict_Clear(notes.get());
  const PyRef spinning = check(PyObject_GetAttrString(import_module("probe_method").get(), "spinning"), "reading notes");
  check(PyList_SetSlice(spinning.get(), 0, PyList_GET_SIZE(spinning.get()), nullptr), "forgetting");
}

/// A training or a prediction of the probe on 100 events, in the way that its options name.
class Stopping : public testing_support::PythonTest {
 protected:
  Stopping() : features_(100, 1.0f), labels_(100, 0), weights_(100, 1.0) {
    forget();
    clear_interrupt();
    context_.name = "probe";
    context_.spec = {"classification", {"a"}, {"background", "signal"}, {}};
    context_.options.set("script", "mlp.py");
    labels_[0] = 1;
    data_.train.features = MatrixView(features_.data(), 100, 1);
    data_.train.labels = labels_;
    data_.train.weights = weights_;
  }
  ~Stopping() override { clear_interrupt(); }

  TrainContext with(const char* function, const char* behaviour, double time_limit = 0) const {
    TrainContext context = context_;
    context.options.set(function, behaviour);
    context.call.time_limit = time_limit;
    return context;
  }
  Payload train(const TrainContext& context) const { return method_.train(data_, context); }
  std::unique_ptr<Backend> load(const TrainContext& context) const {
    Payload payload;
    payload.members.emplace("model.bin", std::string(8, '\0'));
    return method_.load(payload, context.spec, context.options, context.call);
  }
  void predict(const Backend& backend) const {
    std::vector<float> scores(100);
    backend.predict(data_.train.features, scores);
  }
  /// What a training says that is interrupted once it works.
  template <class Interrupt>
  std::string interrupted_training(const TrainContext& context, Interrupt stop) const {
    auto training = std::async(std::launch::async, [&] {
      try {
        train(context);
      } catch (const Interrupted& error) {
        return std::string(error.what());
      }
      return std::string("it went on to its end");
    });
    while (noted_so_far("spinning").is_null()) std::this_thread::sleep_for(1ms);
    stop();
    if (training.wait_for(soon) != std::future_status::ready) ADD_FAILURE() << "still training";
    return training.get();
  }

  ProbeMethod method_;
  TrainContext context_;
  TrainingData data_;
  std::vector<float> features_;
  std::vector<std::int32_t> labels_;
  std::vector<double> weights_;
};

TEST_F(Stopping, InterruptEndsATrainingOnAnotherThread) {
  EXPECT_EQ(interrupted_training(with("train", "spin"), interrupt), "mlp.py: train(): interrupted");
}

TEST_F(Stopping, InterruptWorksFromASignalHandler) {
  struct sigaction action {}, before {};
  action.sa_handler = [](int) { interrupt(); };
  sigaction(SIGUSR1, &action, &before);
  EXPECT_EQ(interrupted_training(with("train", "spin"), [] { raise(SIGUSR1); }), "mlp.py: train(): interrupted");
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Stopping, EndsLoopsThatSwallowEveryException) {
  EXPECT_EQ(interrupted_training(with("train", "swallow"), interrupt), "mlp.py: train(): interrupted");
  clear_interrupt();
  forget();
  EXPECT_EQ(interrupted_training(with("train", "swallow_twice"), interrupt), "mlp.py: train(): interrupted");
}

TEST_F(Stopping, FinallyBlocksRun) {
  interrupted_training(with("train", "clean_up"), interrupt);
  EXPECT_EQ(noted_so_far("cleaned_up"), Value(true));
}

TEST_F(Stopping, IsKnownWhateverTheScriptMakesOfTheException) {
  EXPECT_EQ(interrupted_training(with("train", "disguise"), interrupt), "mlp.py: train(): interrupted");
}

TEST_F(Stopping, AScriptThatWasToldHasTimeToFinish) {
  std::thread later([] {
    std::this_thread::sleep_for(50ms);
    interrupt();
  });
  EXPECT_TRUE(train(with("train", "finish_slowly")).stopped);
  later.join();
}

TEST_F(Stopping, AScriptThatCatchesTheExceptionKeepsWhatItHas) {
  const auto context = with("train", "give_what_it_has", 0.1);
  EXPECT_TRUE(train(context).stopped);
  EXPECT_FALSE(train(with("train", "")).stopped);
}

TEST_F(Stopping, StopsAllTrainingsAtOnce) {
  std::vector<std::future<bool>> trainings;
  for (int i = 0; i < 4; ++i) {
    trainings.push_back(std::async(std::launch::async, [&] {
      try {
        train(with("train", "spin"));
      } catch (const Interrupted&) {
        return true;
      }
      return false;
    }));
  }
  const Value all(4);
  while (noted_so_far("spinning") != all) std::this_thread::sleep_for(1ms);
  interrupt();
  for (auto& training : trainings) EXPECT_TRUE(training.get());
}

TEST_F(Stopping, NothingIsLeftForTheNextCall) {
  const auto backend = load(context_);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THROW(train(with("train", "spin", 0.01)), TimeLimit);
    EXPECT_NO_THROW(predict(*backend));
    const Gil gil;
    EXPECT_EQ(PyThreadState_Get()->async_exc, nullptr);
    EXPECT_NO_THROW(testing_support::call_function("endings", "add"));
  }
}

TEST_F(Stopping, PredictionsAreNotInterrupted) {
  const auto backend = load(context_);
  interrupt();
  EXPECT_NO_THROW(predict(*backend));
}

TEST_F(Stopping, ATrainingOverItsLimitSaysSo) {
  EXPECT_THAT([&] { train(with("train", "spin", 0.05)); },
              ThrowsMessage<TimeLimit>("mlp.py: train() took longer than its time_limit of 0.05 s"));
  EXPECT_THAT([&] { train(with("train", "disguise", 0.05)); }, ThrowsMessage<TimeLimit>(HasSubstr("mlp.py: train() took longer")));
}

TEST_F(Stopping, ALimitIsNoInterruption) {
  std::atomic<bool> other_goes_on = false;
  std::thread other([&] {
    try {
      train(with("train", "wait"));
      other_goes_on = true;
    } catch (const Error&) {
    }
  });
  EXPECT_THROW(train(with("train", "spin", 0.05)), TimeLimit);
  EXPECT_FALSE(interrupted());
  interrupt();  // the other one sees this
  other.join();
  EXPECT_TRUE(other_goes_on);
}

TEST_F(Stopping, SavingHasALimitToo) {
  // The rehearsal saves first, within the training's time.
  EXPECT_THAT([&] { train(with("save", "spin", 0.05)); }, ThrowsMessage<TimeLimit>(HasSubstr("took longer than its time_limit of 0.05 s")));
}

TEST_F(Stopping, LoadingHasALimit) {
  EXPECT_THAT([&] { load(with("load", "spin", 0.05)); },
              ThrowsMessage<TimeLimit>("mlp.py: load() took longer than its time_limit of 0.05 s"));
}

TEST_F(Stopping, EveryPredictionHasItsOwnLimit) {
  load(context_);  // imports what the limited loads then find
  const auto endless = load(with("predict", "swallow", 0.5));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT([&] { predict(*endless); }, ThrowsMessage<TimeLimit>("mlp.py: predict() took longer than its time_limit of 0.5 s"));
  }
  const auto quick = load(with("predict", "", 30));
  for (int i = 0; i < 1000; ++i) predict(*quick);
}

TEST_F(Stopping, RefusesWhatIsNoTime) {
  EXPECT_THAT([&] { load(with("load", "", -1)); },
              ThrowsMessage<Error>("CallOptions.time_limit: expected 0 or more seconds, found -1.000000"));
  EXPECT_THROW(load(with("load", "", std::numeric_limits<double>::quiet_NaN())), Error);
  EXPECT_NO_THROW(load(with("load", "", std::numeric_limits<double>::infinity())));
}

TEST_F(Stopping, TheHostsCallbackIsLeftAlone) {
  const auto backend = load(context_);
  TrainContext context = with("train", "report");
  int calls = 0;
  context.progress = [&](const Progress&) {
    if (++calls == 1) {
      interrupt();
      // Longer than code that does not look is left alone: the exception would come up in here.
      const auto end = std::chrono::steady_clock::now() + 500ms;
      while (std::chrono::steady_clock::now() < end) predict(*backend);
    }
    return true;
  };
  EXPECT_NO_THROW(EXPECT_TRUE(train(context).stopped));
  EXPECT_EQ(calls, 1);
}

TEST_F(Stopping, SurvivesInterruptionsAtEveryMoment) {
  const auto backend = load(context_);
  std::atomic<bool> over = false;
  std::thread trouble([&] {
    for (int i = 0; !over; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(100 * (i % 7)));
      interrupt();
      std::this_thread::sleep_for(std::chrono::microseconds(50 * (i % 5)));
      clear_interrupt();
    }
  });
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 15; ++i) {
        if (t % 2 == 0) {
          EXPECT_NO_THROW(predict(*backend));
        } else {
          try {
            train(with("train", "report", 0.001 * i));
          } catch (const Interrupted&) {
          } catch (const TimeLimit&) {
          }
        }
      }
    });
  }
  for (auto& caller : callers) caller.join();
  over = true;
  trouble.join();
}

}  // namespace
}  // namespace ophion
