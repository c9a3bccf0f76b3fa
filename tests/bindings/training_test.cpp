/// Trainings through the C API by a method and tools in C++ alone: configs, events of the caller, runs, what is refused.
#include <stdexcept>

#include "bindings/support.h"

using testing::HasSubstr;
using testing::StrEq;

namespace {

const char* const classification = R"json({
  "version": 1, "name": "run", "task": "classification", "output": "/dev/null/runs",
  "data": {"features": ["x", {"name": "abs_y", "expr": "abs(y)"}], "spectators": ["number"],
           "split": {"by": "number", "validation": [1], "test": [2]}},
  "methods": [{"name": "sum", "type": "linear", "weights": [1, 2]}]
})json";

/// Where all is well, a training gets so far that it can't make its folder in /dev/null.
std::string train(const Owned<ophion_config>& config, const Owned<ophion_events>& events, ophion_status expected) {
  ophion_run* run = nullptr;
  EXPECT_EQ(ophion_train(config.get(), events.get(), nullptr, nullptr, nullptr, &run), expected) << ophion_error_text();
  EXPECT_EQ(run, nullptr);
  return ophion_error_text();
}

const std::vector<float> x{1, 2, 3};
const std::vector<double> y{-1, -2, -3};
const std::vector<std::int64_t> number{0, 1, 2};

std::vector<ophion_column> three_events() {
  return {column_of("x", OPHION_FLOAT32, x), column_of("y", OPHION_FLOAT64, y), column_of("number", OPHION_INT64, number)};
}

Owned<ophion_events> two_classes(const ophion_column* weights = nullptr) {
  auto events = no_events();
  const auto columns = three_events();
  for (const char* name : {"signal", "background"}) {
    EXPECT_EQ(ophion_events_add(events.get(), name, columns.data(), columns.size(), weights, nullptr, 0), OPHION_OK) << ophion_error_text();
  }
  return events;
}

}  // namespace

TEST(CConfig, ComesFromTextOrFileAndIsDescribedWithItsDefaults) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "train.json";
  write_text(file, classification);
  see_test_plugins();
  ophion_config* read = nullptr;
  ASSERT_EQ(ophion_config_from_file(file.c_str(), &read), OPHION_OK) << ophion_error_text();
  const Owned<ophion_config> config(read);
  const auto described = [](const Owned<ophion_config>& which) {
    return text_from([&](char* text, std::size_t size, std::size_t* needed) {
      return ophion_config_describe(which.get(), text, size, needed);
    });
  };
  EXPECT_THAT(described(config), testing::AllOf(HasSubstr(R"("name": "run")"), HasSubstr(R"("missing": "error")"), HasSubstr(R"("slope": 1.5)")));
  EXPECT_EQ(described(config), described(config_from(classification)));
}

TEST(CConfig, ResolvesPathsAgainstTheFolderOfTheCaller) {
  see_test_plugins();
  ophion_config* config = nullptr;
  const char* const json = R"({"version": 1, "name": "r", "task": "classification", "data": {"features": ["x"]}, "output": "out",
                               "methods": [{"name": "sum", "type": "linear", "weights": [1]}]})";
  ASSERT_EQ(ophion_config_from_json(json, "/some/where", &config), OPHION_OK) << ophion_error_text();
  const Owned<ophion_config> owned(config);
  EXPECT_THAT(text_from([&](char* text, std::size_t size, std::size_t* needed) {
                return ophion_config_describe(config, text, size, needed);
              }),
              HasSubstr(R"("output": "/some/where/out")"));
}

TEST(CConfig, ChangesOneValueOrNothing) {
  const auto config = config_from(classification);
  const auto described = [&] {
    return text_from([&](char* text, std::size_t size, std::size_t* needed) {
      return ophion_config_describe(config.get(), text, size, needed);
    });
  };
  ASSERT_EQ(ophion_config_set(config.get(), "methods.0.slope", "2.5"), OPHION_OK) << ophion_error_text();
  ASSERT_EQ(ophion_config_set(config.get(), "name", "other"), OPHION_OK) << ophion_error_text();
  const std::string changed = described();
  EXPECT_THAT(changed, testing::AllOf(HasSubstr(R"("slope": 2.5)"), HasSubstr(R"("name": "other")")));
  EXPECT_EQ(ophion_config_set(config.get(), "methods.0.slop", "1"), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_detail("pointer"), HasSubstr("/methods/0"));
  EXPECT_THAT(ophion_error_text(), HasSubstr("did you mean 'slope'?"));
  EXPECT_EQ(described(), changed);
}

TEST(CEvents, AreTakenInTheirOwnTypes) {
  const std::vector<std::uint8_t> weights{1, 2, 3};
  const ophion_column weight = column_of(nullptr, OPHION_UINT8, weights);
  EXPECT_THAT(train(config_from(classification), two_classes(&weight), OPHION_FAILED), HasSubstr("/dev/null/runs"));
}

TEST(CEvents, MustHaveTheColumnsOfTheConfig) {
  const auto events = no_events();
  const ophion_column column = column_of("x", OPHION_FLOAT32, x);
  for (const char* name : {"signal", "background"}) {
    ASSERT_EQ(ophion_events_add(events.get(), name, &column, 1, nullptr, nullptr, 0), OPHION_OK);
  }
  EXPECT_THAT(train(config_from(classification), events, OPHION_DATA), HasSubstr("sample 0 ('signal') in memory: no column 'y', which feature 'abs_y' needs"));
}

TEST(CEvents, OfWrongWeightsAreRefusedWhereTheyAreUsed) {
  const std::vector<float> weights{1, -2, 3};
  const ophion_column weight = column_of(nullptr, OPHION_FLOAT32, weights);
  EXPECT_THAT(train(config_from(classification), two_classes(&weight), OPHION_DATA), HasSubstr("is negative in 1 of 3 selected events (first: -2 at entry 1)"));
}

TEST(CEvents, RefuseWhatDoesNotFitAndStayAsTheyWere) {
  const auto events = no_events();
  const auto columns = three_events();
  const auto error_of = [&](ophion_status status, const std::vector<ophion_column>& added, const ophion_column* weights = nullptr,
                            const std::vector<ophion_column>& targets = {}) {
    EXPECT_EQ(ophion_events_add(events.get(), "signal", added.data(), added.size(), weights, targets.data(), targets.size()), status);
    return std::string(ophion_error_text());
  };
  const std::vector<float> two{1, 2};
  const ophion_column of_two = column_of("z", OPHION_FLOAT32, two);
  ophion_column wide = of_two;
  wide.rows = 1;
  wide.width = 2;
  EXPECT_EQ(error_of(OPHION_ARGUMENT, columns, &of_two), "ophion_events_add: weights: expected 3 rows, found 2");
  EXPECT_EQ(error_of(OPHION_ARGUMENT, columns, &wide), "ophion_events_add: weights: expected one number a row, found 2");
  EXPECT_EQ(error_of(OPHION_ARGUMENT, columns, nullptr, {of_two}), "ophion_events_add: targets[0]: expected 3 rows, found 2");
  EXPECT_THAT(error_of(OPHION_DATA, {columns[0], of_two}), HasSubstr("expected 3 rows in column 'z', found 2"));
  EXPECT_THAT(error_of(OPHION_DATA, {columns[0], columns[0]}), HasSubstr("two columns of the name 'x'"));
  EXPECT_THAT(train(config_from(classification), events, OPHION_DATA), HasSubstr("there are no samples to train with"));
}

TEST(CEvents, OfARegressionHaveTargets) {
  const char* const regression = R"({
    "version": 1, "name": "run", "task": "regression", "output": "/dev/null/runs",
    "data": {"features": ["x"], "targets": ["energy"], "split": {"by": "number", "validation": [1], "test": [2]}},
    "methods": [{"name": "sum", "type": "linear", "weights": [1]}]
  })";
  const auto columns = three_events();
  const std::vector<std::int32_t> energy{10, 20, 30};
  const std::vector<ophion_column> targets{column_of(nullptr, OPHION_INT32, energy), column_of("another", OPHION_INT32, energy)};
  const auto with_targets = [&](std::size_t count) {
    auto events = no_events();
    EXPECT_EQ(ophion_events_add(events.get(), nullptr, columns.data(), columns.size(), nullptr, targets.data(), count), OPHION_OK);
    return events;
  };
  EXPECT_THAT(train(config_from(regression), with_targets(1), OPHION_FAILED), HasSubstr("/dev/null/runs"));
  EXPECT_THAT(train(config_from(regression), with_targets(2), OPHION_DATA), HasSubstr("expected 1 columns of targets, as in data.targets, found 2"));
  EXPECT_THAT(train(config_from(regression), with_targets(0), OPHION_DATA), HasSubstr("no column 'energy', which target 'energy' needs"));
}

TEST(CTraining, NeedsSamplesOrEvents) {
  const auto config = config_from(classification);
  ophion_run* run = nullptr;
  EXPECT_EQ(ophion_train(config.get(), nullptr, nullptr, nullptr, nullptr, &run), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_detail("pointer"), StrEq("/data"));
  EXPECT_THAT(ophion_error_text(), HasSubstr("missing key 'samples'"));
  EXPECT_EQ(ophion_check(config.get(), nullptr), OPHION_CONFIG);
}

TEST(CTraining, ChecksBeforeItTrains) {
  EXPECT_EQ(ophion_check(config_from(classification).get(), two_classes().get()), OPHION_OK) << ophion_error_text();
  const auto files = config_from(R"({
    "version": 1, "name": "run", "task": "classification",
    "data": {"samples": [{"class": "signal", "files": ["/nowhere/s.text"]}, {"class": "background", "files": ["/nowhere/b.text"]}],
             "features": ["x"]},
    "methods": [{"name": "sum", "type": "linear", "weights": [1]}]
  })");
  EXPECT_EQ(ophion_check(files.get(), nullptr), OPHION_DATA);
  EXPECT_THAT(ophion_error_text(), HasSubstr("no file '/nowhere/s.text'"));
}

TEST(CTraining, GoesOnOnlyInARunThatIsThere) {
  const auto config = config_from(classification);
  const auto events = two_classes();
  ophion_run* run = nullptr;
  EXPECT_NE(ophion_train(config.get(), events.get(), R"({"resume": "/nowhere/run"})", nullptr, nullptr, &run), OPHION_OK);
  EXPECT_THAT(ophion_error_text(), HasSubstr("/nowhere/run"));
  EXPECT_EQ(ophion_train(config.get(), events.get(), R"({"resumed": "/nowhere/run"})", nullptr, nullptr, &run), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_text(), StrEq("options of ophion_train: unknown key 'resumed'; did you mean 'resume'?"));
}

namespace {

/// What a training told, and how it is to go on.
struct Told {
  std::vector<std::string> steps;
  std::int64_t stop_at = 0;

  static std::int32_t hear(const ophion_progress* now, void* user) {
    auto& told = *static_cast<Told*>(user);
    told.steps.push_back(std::string(now->method) + " " + std::to_string(now->epoch) + "/" + std::to_string(now->epochs) + " fold " +
                         std::to_string(now->fold) + "/" + std::to_string(now->folds) + " " + now->metrics);
    return now->epoch == told.stop_at;
  }
};

/// Trains on two classes in a folder.
struct Trained {
  TemporaryFolder folder;
  Told told;
  Owned<ophion_run> run;

  explicit Trained(std::int64_t stop_at = 0) {
    told.stop_at = stop_at;
    const auto config = config_from(R"json({
      "version": 1, "name": "run", "task": "classification", "report": {"enabled": false}, "evaluation": {"importance_events": 0},
      "data": {"features": ["x", {"name": "abs_y", "expr": "abs(y)"}], "split": {"by": "number", "validation": [1], "test": [2]}},
      "methods": [{"name": "sum", "type": "linear", "weights": [1, 2]}]
    })json");
    EXPECT_EQ(ophion_config_set(config.get(), "output", folder.path().c_str()), OPHION_OK) << ophion_error_text();
    const auto events = two_classes();
    ophion_run* done = nullptr;
    EXPECT_EQ(ophion_train(config.get(), events.get(), nullptr, &Told::hear, &told, &done), OPHION_OK) << ophion_error_text();
    run.reset(done);
  }
};

std::string description_of(const ophion_run* run) {
  return text_from([&](char* text, std::size_t size, std::size_t* needed) { return ophion_run_describe(run, text, size, needed); });
}

}  // namespace

TEST(CRun, TellsOfEachEpoch) {
  const Trained trained;
  EXPECT_THAT(trained.told.steps, testing::ElementsAre(R"(sum 1/3 fold 0/0 {"loss":1.0})", R"(sum 2/3 fold 0/0 {"loss":0.5})",
                                                       R"(sum 3/3 fold 0/0 {"loss":0.3333333333333333})"));
}

TEST(CRun, HasAFolderADescriptionAndMetrics) {
  const Trained trained;
  const std::string folder = ophion_run_folder(trained.run.get());
  EXPECT_THAT(folder, testing::StartsWith(trained.folder.path().string()));
  EXPECT_THAT(description_of(trained.run.get()),
              testing::AllOf(HasSubstr(R"("best": "sum")"), HasSubstr(R"("stopped": false)"), HasSubstr(R"("status": "done")")));
  const std::string metrics = text_from([&](char* text, std::size_t size, std::size_t* needed) {
    return ophion_run_metrics(trained.run.get(), text, size, needed);
  });
  EXPECT_EQ(metrics + "\n", read_text(folder + "/metrics.json"));
}

TEST(CRun, GivesModelsThatOutliveIt) {
  Trained trained;
  ophion_model* best = nullptr;
  ophion_model* named = nullptr;
  ASSERT_EQ(ophion_run_model(trained.run.get(), nullptr, &best), OPHION_OK) << ophion_error_text();
  ASSERT_EQ(ophion_run_model(trained.run.get(), "sum", &named), OPHION_OK) << ophion_error_text();
  const Owned<ophion_model> one(best), other(named);
  EXPECT_EQ(ophion_run_model(trained.run.get(), "sun", &named), OPHION_FAILED);
  EXPECT_EQ(named, nullptr);
  EXPECT_THAT(ophion_error_text(), StrEq("the run has no method 'sun'; did you mean 'sum'?"));
  trained.run.reset();
  const std::vector<float> features{3, 4};
  const ophion_matrix matrix = matrix_of(features, 1, 2);
  float out[2];
  EXPECT_EQ(ophion_model_predict(one.get(), &matrix, out, 1), OPHION_OK);
  EXPECT_EQ(ophion_model_predict(other.get(), &matrix, out + 1, 1), OPHION_OK);
  EXPECT_THAT(out, testing::Each(11));
}

TEST(CRun, StopsWhereTheCallbackSaysSo) {
  const Trained trained(2);
  EXPECT_EQ(trained.told.steps.size(), 2u);
  EXPECT_THAT(description_of(trained.run.get()), testing::AllOf(HasSubstr(R"("stopped": true)"), HasSubstr(R"("status": "stopped")")));
}

TEST(CRun, WhatACallbackInCppThrowsEndsTheTrainingAsAnError) {
  const auto config = config_from(classification);
  const TemporaryFolder folder;
  ASSERT_EQ(ophion_config_set(config.get(), "output", folder.path().c_str()), OPHION_OK);
  const auto events = two_classes();
  ophion_run* run = nullptr;
  const auto callback = [](const ophion_progress*, void*) -> std::int32_t { throw std::runtime_error("thrown by the caller"); };
  EXPECT_EQ(ophion_train(config.get(), events.get(), nullptr, callback, nullptr, &run), OPHION_FAILED);
  EXPECT_THAT(ophion_error_text(), HasSubstr("thrown by the caller"));
}
