/// The border: errors by thread, their kinds and details, texts in the caller's memory, wrong arguments.
#include <cstdlib>
#include <string>
#include <thread>

#include "bindings/support.h"

using testing::HasSubstr;
using testing::StrEq;

TEST(Border, TellsItsVersionAndThatOfItsAbi) {
  EXPECT_THAT(ophion_version(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(ophion_abi(), OPHION_ABI);
}

TEST(Border, AThreadBeginsWithoutAnError) {
  std::thread([] {
    EXPECT_EQ(ophion_error_kind(), OPHION_OK);
    EXPECT_THAT(ophion_error_text(), StrEq(""));
    EXPECT_EQ(ophion_error_detail("file"), nullptr);
  }).join();
}

TEST(Border, KeepsTheErrorOfEachThreadApart) {
  ophion_model* model = nullptr;
  EXPECT_EQ(ophion_model_load("mine.ophion", nullptr, &model), OPHION_MODEL);
  std::thread([] {
    ophion_config* config = nullptr;
    EXPECT_EQ(ophion_config_from_json("{", nullptr, &config), OPHION_CONFIG);
    EXPECT_THAT(ophion_error_text(), HasSubstr("line 1, column 1: syntax error"));
  }).join();
  EXPECT_EQ(ophion_error_kind(), OPHION_MODEL);
  EXPECT_THAT(ophion_error_text(), HasSubstr("mine.ophion"));
}

TEST(Border, ACallThatSucceedsLeavesTheErrorThere) {
  ophion_config* config = nullptr;
  EXPECT_EQ(ophion_config_from_json("[]", nullptr, &config), OPHION_CONFIG);
  const std::string text = ophion_error_text();
  ophion_events* events = nullptr;
  EXPECT_EQ(ophion_events_create(&events), OPHION_OK);
  ophion_events_free(events);
  EXPECT_EQ(ophion_error_kind(), OPHION_CONFIG);
  EXPECT_EQ(ophion_error_text(), text);
}

TEST(Border, AConfigsErrorHasItsPlaceAsDetails) {
  ophion_model* model = nullptr;
  EXPECT_EQ(ophion_model_load("m.ophion", R"({"threads": -1})", &model), OPHION_CONFIG);
  EXPECT_THAT(ophion_error_detail("file"), StrEq("options of ophion_model_load"));
  EXPECT_THAT(ophion_error_detail("pointer"), StrEq("/threads"));
  EXPECT_THAT(ophion_error_detail("problem"), StrEq("expected a whole number from 0 to 2147483647, found -1"));
  EXPECT_EQ(ophion_error_detail("traceback"), nullptr);
  EXPECT_EQ(ophion_error_detail(nullptr), nullptr);
}

TEST(Border, RefusesOptionsThatAreNotAsTheyMustBe) {
  const auto error_with = [](const char* options) {
    ophion_model* model = nullptr;
    EXPECT_EQ(ophion_model_load((models + "sum.ophion").c_str(), options, &model), OPHION_CONFIG);
    EXPECT_EQ(model, nullptr);
    return std::string(ophion_error_text());
  };
  const std::string where = "options of ophion_model_load";
  EXPECT_EQ(error_with(R"({"bakend": "native"})"), where + ": unknown key 'bakend'; did you mean 'backend'?");
  EXPECT_THAT(error_with(R"({"zzz": 1})"), HasSubstr("unknown key 'zzz' (known: backend, threads, time_limit, "));
  EXPECT_EQ(error_with(R"({"backend": 3})"), where + " /backend: expected text, found a whole number");
  EXPECT_EQ(error_with(R"({"trust": "none"})"), where + " /trust: expected 'known' or 'all', found 'none'");
  EXPECT_EQ(error_with(R"({"trusted_hashes": ["a", 1]})"), where + " /trusted_hashes/1: expected text, found a whole number");
  EXPECT_EQ(error_with(R"({"trusted_hashes": "a"})"), where + " /trusted_hashes: expected a list of texts, found text");
  EXPECT_EQ(error_with(R"({"workers": 1.5})"), where + " /workers: expected a whole number, found 1.5");
  EXPECT_EQ(error_with(R"({"time_limit": -1})"), where + " /time_limit: expected 0 or more, found -1");
  EXPECT_EQ(error_with(R"({"drop_rights": 1})"), where + " /drop_rights: expected true or false, found a whole number");
  EXPECT_EQ(error_with("[]"), where + ": expected an object, found a list");
  EXPECT_THAT(error_with("{"), HasSubstr(where + ": "));
}

TEST(Border, AnOptionThatIsNullIsAsOneThatIsNotThere) {
  EXPECT_TRUE(load("sum.ophion", R"({"backend": null, "trust": null, "threads": null, "trusted_hashes": null})"));
}

TEST(Border, RefusesNullWhereNoneIsAllowed) {
  const auto model = load("sum.ophion");
  const auto events = no_events();
  ophion_model* new_model = nullptr;
  ophion_bound* new_bound = nullptr;
  ophion_config* new_config = nullptr;
  ophion_run* new_run = nullptr;
  const std::vector<float> numbers{1, 2};
  const ophion_matrix matrix = matrix_of(numbers, 1, 2);
  const char* const no_name[] = {nullptr};
  float out = 0;
  const auto refused = [](ophion_status status, const std::string& text) {
    EXPECT_EQ(status, OPHION_ARGUMENT) << text;
    EXPECT_EQ(ophion_error_kind(), OPHION_ARGUMENT) << text;
    EXPECT_EQ(ophion_error_text(), text);
  };
  refused(ophion_model_load(nullptr, nullptr, &new_model), "ophion_model_load: file is NULL");
  refused(ophion_model_load("m.ophion", nullptr, nullptr), "ophion_model_load: model is NULL");
  refused(ophion_model_save(nullptr, "m.ophion"), "ophion_model_save: model is NULL");
  refused(ophion_model_save(model.get(), nullptr), "ophion_model_save: file is NULL");
  refused(ophion_model_describe(nullptr, nullptr, 0, nullptr), "ophion_model_describe: model is NULL");
  refused(ophion_file_describe(nullptr, nullptr, 0, nullptr), "ophion_file_describe: file is NULL");
  refused(ophion_model_predict(nullptr, &matrix, &out, 1), "ophion_model_predict: model is NULL");
  refused(ophion_model_predict(model.get(), nullptr, &out, 1), "ophion_model_predict: features is NULL");
  refused(ophion_model_predict(model.get(), &matrix, nullptr, 1), "ophion_model_predict: out is NULL");
  refused(ophion_model_predict_columns(model.get(), nullptr, 1, &out, 1), "ophion_model_predict_columns: columns is NULL");
  refused(ophion_model_bind(model.get(), nullptr, 1, &new_bound), "ophion_model_bind: names is NULL");
  refused(ophion_model_bind(model.get(), no_name, 1, &new_bound), "ophion_model_bind: names[0] is NULL");
  refused(ophion_model_bind(model.get(), no_name, 1, nullptr), "ophion_model_bind: bound is NULL");
  refused(ophion_bound_predict(nullptr, &matrix, &out, 1), "ophion_bound_predict: bound is NULL");
  refused(ophion_bound_predict_one(nullptr, numbers.data(), 2, &out, 1), "ophion_bound_predict_one: bound is NULL");
  refused(ophion_config_from_file(nullptr, &new_config), "ophion_config_from_file: file is NULL");
  refused(ophion_config_from_json(nullptr, nullptr, &new_config), "ophion_config_from_json: json is NULL");
  refused(ophion_config_set(nullptr, "seed", "1"), "ophion_config_set: config is NULL");
  refused(ophion_config_describe(nullptr, nullptr, 0, nullptr), "ophion_config_describe: config is NULL");
  refused(ophion_events_create(nullptr), "ophion_events_create: events is NULL");
  refused(ophion_events_add(nullptr, "a", nullptr, 0, nullptr, nullptr, 0), "ophion_events_add: events is NULL");
  refused(ophion_events_add(events.get(), "a", nullptr, 0, nullptr, nullptr, 0), "ophion_events_add: columns: expected one or more, found none");
  refused(ophion_check(nullptr, events.get()), "ophion_check: config is NULL");
  refused(ophion_train(nullptr, events.get(), nullptr, nullptr, nullptr, &new_run), "ophion_train: config is NULL");
  refused(ophion_train(nullptr, events.get(), nullptr, nullptr, nullptr, nullptr), "ophion_train: run is NULL");
  refused(ophion_run_describe(nullptr, nullptr, 0, nullptr), "ophion_run_describe: run is NULL");
  refused(ophion_run_metrics(nullptr, nullptr, 0, nullptr), "ophion_run_metrics: run is NULL");
  refused(ophion_run_model(nullptr, nullptr, &new_model), "ophion_run_model: run is NULL");
  EXPECT_EQ(ophion_run_folder(nullptr), nullptr);
  EXPECT_THAT(ophion_error_text(), StrEq("ophion_run_folder: run is NULL"));
}

TEST(Border, FreesNullAsNothing) {
  ophion_model_free(nullptr);
  ophion_bound_free(nullptr);
  ophion_config_free(nullptr);
  ophion_events_free(nullptr);
  ophion_run_free(nullptr);
}

TEST(Border, SetsAHandleToNullWhereItFails) {
  auto* const rubbish = reinterpret_cast<ophion_config*>(16);
  ophion_config* config = rubbish;
  EXPECT_EQ(ophion_config_from_json("{", nullptr, &config), OPHION_CONFIG);
  EXPECT_EQ(config, nullptr);
}

TEST(Border, TellsTheSizeOfATextFirst) {
  const auto model = load("sum.ophion");
  std::size_t needed = 0;
  ASSERT_EQ(ophion_model_describe(model.get(), nullptr, 0, &needed), OPHION_OK);
  ASSERT_GT(needed, 100u);
  std::string text(needed + 5, '?');
  EXPECT_EQ(ophion_model_describe(model.get(), text.data(), text.size(), nullptr), OPHION_OK);
  EXPECT_EQ(std::string(text.c_str()).size() + 1, needed);
  EXPECT_EQ(text.substr(needed), "?????");
}

TEST(Border, RefusesMemoryThatIsTooSmallForATextAndGoesNotBeyondIt) {
  const auto model = load("sum.ophion");
  std::size_t needed = 0;
  ASSERT_EQ(ophion_model_describe(model.get(), nullptr, 0, &needed), OPHION_OK);
  std::string text(needed, '?');
  std::size_t again = 0;
  EXPECT_EQ(ophion_model_describe(model.get(), text.data(), needed - 1, &again), OPHION_TOO_SMALL);
  EXPECT_EQ(again, needed);
  EXPECT_EQ(text[0], '\0');
  EXPECT_EQ(text.substr(1), std::string(needed - 1, '?'));
  EXPECT_EQ(ophion_error_text(), "ophion_model_describe: expected room for " + std::to_string(needed) + " bytes of text, found " +
                                     std::to_string(needed - 1));
  EXPECT_EQ(ophion_model_describe(model.get(), text.data(), 0, &again), OPHION_TOO_SMALL);
  EXPECT_EQ(ophion_model_describe(model.get(), nullptr, 10, &again), OPHION_ARGUMENT);
  EXPECT_THAT(ophion_error_text(), StrEq("ophion_model_describe: text is NULL"));
}

TEST(Border, ATextThatFailsNeedsNothing) {
  std::size_t needed = 99;
  EXPECT_EQ(ophion_file_describe("nowhere.ophion", nullptr, 0, &needed), OPHION_MODEL);
  EXPECT_EQ(needed, 0u);
}

TEST(Border, LackOfMemoryIsAStatus) {
  const auto events = no_events();
  const float number = 1;
  // Weights are copied: these are more than a machine can have. Nothing of them is read.
  const std::size_t rows = PTRDIFF_MAX;
  const ophion_column column{"x", &number, OPHION_FLOAT32, rows, 0, 0, 0};
  EXPECT_EQ(ophion_events_add(events.get(), "signal", &column, 1, &column, nullptr, 0), OPHION_NO_MEMORY);
  EXPECT_EQ(ophion_error_kind(), OPHION_NO_MEMORY);
  EXPECT_THAT(ophion_error_text(), StrEq("memory ran out"));
  EXPECT_EQ(ophion_events_add(nullptr, "signal", &column, 1, &column, nullptr, 0), OPHION_ARGUMENT);
  EXPECT_THAT(ophion_error_text(), StrEq("ophion_events_add: events is NULL"));
}

namespace {

/// For atexit: the main thread's own objects are gone when it is called.
void fail_at_the_end() {
  const std::string program(300, 'm'), again(300, 'm');
  ophion_model* model = nullptr;
  const bool failed = ophion_model_load("end.ophion", nullptr, &model) == OPHION_MODEL;
  const bool said = std::string(ophion_error_text()) == "end.ophion: there is no such file";
  std::_Exit(failed && said && program == again && program == std::string(300, 'm') ? 0 : 1);
}

}  // namespace

TEST(Border, KeepsErrorsWhileTheProcessEnds) {
  const auto end = [] {
    ophion_model* model = nullptr;
    ophion_model_load(std::string(300, 'm').c_str(), nullptr, &model);  // a text that needs memory
    std::atexit(fail_at_the_end);
    std::exit(2);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(0), "");
}
