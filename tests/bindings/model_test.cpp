/// Models through the C API: what they say of themselves, what they score, what they refuse.
#include <thread>

#include "bindings/support.h"

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StrEq;

namespace {

std::vector<std::string> names_of(const Owned<ophion_model>& model, std::int32_t list) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ophion_model_count(model.get(), list); ++i) names.emplace_back(ophion_model_name(model.get(), list, i));
  return names;
}

}  // namespace

TEST(CModel, SaysWhatItsNamesAre) {
  const auto model = load("three.ophion");
  EXPECT_THAT(names_of(model, OPHION_FEATURES), ElementsAre("x", "abs_y"));
  EXPECT_THAT(names_of(model, OPHION_INPUTS), ElementsAre("x", "y"));
  EXPECT_THAT(names_of(model, OPHION_OUTPUTS), ElementsAre("score_a", "score_b", "score_c"));
  EXPECT_THAT(names_of(model, OPHION_CLASSES), ElementsAre("a", "b", "c"));
  for (const auto list : {OPHION_TARGETS, OPHION_SPECTATORS, OPHION_FOLD_INPUTS}) EXPECT_EQ(ophion_model_count(model.get(), list), 0u);
}

TEST(CModel, RefusesANameThatIsNotThere) {
  const auto model = load("sum.ophion");
  EXPECT_EQ(ophion_model_name(model.get(), OPHION_OUTPUTS, 1), nullptr);
  EXPECT_THAT(ophion_error_text(), StrEq("ophion_model_name: no name 1, the list has 1"));
  EXPECT_EQ(ophion_model_count(model.get(), 7), 0u);
  EXPECT_THAT(ophion_error_text(),
              StrEq("ophion_model_count: expected a list from OPHION_FEATURES (0) to OPHION_FOLD_INPUTS (6), found 7"));
  EXPECT_EQ(ophion_model_count(nullptr, OPHION_OUTPUTS), 0u);
  EXPECT_EQ(ophion_error_kind(), OPHION_ARGUMENT);
}

TEST(CModel, DescribesItself) {
  const auto model = load("sum.ophion");
  const std::string text = text_from([&](char* to, std::size_t size, std::size_t* needed) {
    return ophion_model_describe(model.get(), to, size, needed);
  });
  EXPECT_THAT(text, testing::AllOf(HasSubstr(R"("backend": "linear")"), HasSubstr(R"("task": "classification")"),
                                   HasSubstr(R"("features": ["x", "abs_y"])"), HasSubstr(R"("outputs": ["score"])"),
                                   HasSubstr(R"("folds": 0)"), HasSubstr(R"("created": "2026-07-04T12:00:00Z")")));
}

TEST(CModel, DescribesAFileOfWhichNothingIsRun) {
  const std::string file = models + "code.ophion";
  const std::string text = text_from([&](char* to, std::size_t size, std::size_t* needed) {
    return ophion_file_describe(file.c_str(), to, size, needed);
  });
  EXPECT_THAT(text, testing::ContainsRegex(R"("hash": "[0-9a-f]{64}")"));
  EXPECT_THAT(text, HasSubstr(R"("carries_code": true)"));
}

TEST(CModel, CodeNeedsTrust) {
  see_test_plugins();
  const std::string file = models + "code.ophion";
  ophion_model* model = nullptr;
  EXPECT_EQ(ophion_model_load(file.c_str(), nullptr, &model), OPHION_TRUST);
  EXPECT_THAT(ophion_error_text(), HasSubstr("ophion trust " + file));
  EXPECT_TRUE(load("code.ophion", R"({"trust": "all"})"));
  const std::string text = text_from([&](char* to, std::size_t size, std::size_t* needed) {
    return ophion_file_describe(file.c_str(), to, size, needed);
  });
  const std::string hash = text.substr(text.find("\"hash\": \"") + 9, 64);
  EXPECT_TRUE(load("code.ophion", (R"({"trusted_hashes": [")" + hash + "\"]}").c_str()));
}

TEST(CModel, RefusesABackendThatTheFileLacks) {
  see_test_plugins();
  ophion_model* model = nullptr;
  EXPECT_EQ(ophion_model_load((models + "sum.ophion").c_str(), R"({"backend": "native"})", &model), OPHION_MODEL);
  EXPECT_THAT(ophion_error_text(), HasSubstr("sum.ophion: has no backend 'native'; it has linear"));
}

TEST(CModel, ScoresRowsOfFloatAndDoubleWithAnyStrides) {
  const auto model = load("sum.ophion");  // of features: x + 5 |y|
  std::vector<float> out(2);
  const std::vector<float> rows{1, 2, 3, 4};
  ophion_matrix matrix = matrix_of(rows, 2, 2);
  ASSERT_EQ(ophion_model_predict(model.get(), &matrix, out.data(), 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(11, 23));

  const std::vector<double> columns{1, 3, 2, 4};  // column after column
  matrix = {columns.data(), OPHION_FLOAT64, 2, 2, 1, 2};
  ASSERT_EQ(ophion_model_predict(model.get(), &matrix, out.data(), 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(11, 23));

  matrix = {columns.data() + 1, OPHION_FLOAT64, 2, 2, -1, 2};  // last row first
  ASSERT_EQ(ophion_model_predict(model.get(), &matrix, out.data(), 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(23, 11));
}

TEST(CModel, FillsRowAfterRowWhereThereAreSeveralOutputs) {
  const auto model = load("three.ophion");  // x; |y|; x + |y|
  const std::vector<float> rows{1, 2, 3, 4};
  const ophion_matrix matrix = matrix_of(rows, 2, 2);
  std::vector<float> out(6);
  ASSERT_EQ(ophion_model_predict(model.get(), &matrix, out.data(), 6), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(1, 2, 3, 3, 4, 7));
}

TEST(CModel, RefusesMatricesThatCantBe) {
  const auto model = load("sum.ophion");
  const std::vector<float> rows{1, 2, 3, 4, 5, 6};
  std::vector<float> out(6, -1);
  const auto error_of = [&](const ophion_matrix& matrix, std::size_t count) {
    EXPECT_EQ(ophion_model_predict(model.get(), &matrix, out.data(), count), OPHION_ARGUMENT);
    return std::string(ophion_error_text());
  };
  const ophion_matrix good = matrix_of(rows, 2, 2);
  EXPECT_EQ(error_of(good, 1), "ophion_model_predict: expected room for 2 × 1 scores, found 1");
  EXPECT_EQ(error_of(good, 3), "ophion_model_predict: expected room for 2 × 1 scores, found 3");
  ophion_matrix bad = good;
  bad.type = OPHION_INT32;
  EXPECT_EQ(error_of(bad, 2), "ophion_model_predict: features: expected the type OPHION_FLOAT32 (9) or OPHION_FLOAT64 (10), found 3");
  bad = good;
  bad.data = nullptr;
  EXPECT_EQ(error_of(bad, 2), "ophion_model_predict: features has 2 rows and no memory");
  bad.data = reinterpret_cast<const char*>(rows.data()) + 1;
  EXPECT_EQ(error_of(bad, 2), "ophion_model_predict: features: expected memory aligned to 4 bytes");
  bad = good;
  bad.rows = static_cast<std::size_t>(-1);
  EXPECT_EQ(error_of(bad, 2), "ophion_model_predict: features: expected a number of 0 or more, found 18446744073709551615");
  EXPECT_THAT(out, testing::Each(-1));

  bad = matrix_of(rows, 2, 3);
  EXPECT_EQ(ophion_model_predict(model.get(), &bad, out.data(), 2), OPHION_DATA);
  EXPECT_THAT(ophion_error_text(), HasSubstr("expected 2 features, found 3"));
}

TEST(CModel, ScoresNoRowsIntoNothing) {
  const auto model = load("sum.ophion");
  const ophion_matrix none{nullptr, OPHION_FLOAT32, 0, 2, 2, 1};
  EXPECT_EQ(ophion_model_predict(model.get(), &none, nullptr, 0), OPHION_OK) << ophion_error_text();
}

TEST(CModel, ScoresColumnsByNameOfAnyTypeAndStride) {
  const auto model = load("sum.ophion");  // x + 5 |y|
  struct Event {
    std::int16_t y;
    std::uint8_t x;
  };
  const std::vector<Event> events{{-2, 1}, {4, 3}};
  std::vector<float> out(2);
  const std::vector<ophion_column> members{{"x", &events[0].x, OPHION_UINT8, 2, sizeof(Event), 0, 0},
                                           {"not looked at", &events[0].x, OPHION_BOOL, 2, sizeof(Event), 0, 0},
                                           {"y", &events[0].y, OPHION_INT16, 2, sizeof(Event), 1, 0}};
  ASSERT_EQ(ophion_model_predict_columns(model.get(), members.data(), 3, out.data(), 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(11, 23));

  const std::vector<double> y{-2, 4};
  const std::int64_t same = 7;
  const std::vector<ophion_column> columns{column_of("y", OPHION_FLOAT64, y), {"x", &same, OPHION_INT64, 2, 0, 0, 0}};
  ASSERT_EQ(ophion_model_predict_columns(model.get(), columns.data(), 2, out.data(), 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(17, 27));
}

TEST(CModel, RefusesColumnsThatCantBe) {
  const auto model = load("sum.ophion");
  const std::vector<float> numbers{1, 2};
  float out[2];
  const auto error_of = [&](ophion_status status, std::vector<ophion_column> columns, std::size_t count = 2) {
    EXPECT_EQ(ophion_model_predict_columns(model.get(), columns.data(), columns.size(), out, count), status);
    return std::string(ophion_error_text());
  };
  const ophion_column x = column_of("x", OPHION_FLOAT32, numbers), y = column_of("y", OPHION_FLOAT32, numbers);
  const std::string where = "ophion_model_predict_columns: ";
  EXPECT_EQ(error_of(OPHION_ARGUMENT, {x, y}, 1), where + "expected room for 2 × 1 scores, found 1");
  EXPECT_THAT(error_of(OPHION_DATA, {x}), HasSubstr("columns to score: no 'y'"));
  ophion_column bad = y;
  bad.name = nullptr;
  EXPECT_EQ(error_of(OPHION_ARGUMENT, {x, bad}), where + "columns[1] has no name");
  bad = y;
  bad.type = 11;
  EXPECT_EQ(error_of(OPHION_ARGUMENT, {x, bad}), where + "columns[1] ('y'): expected a type from OPHION_BOOL (0) to OPHION_FLOAT64 (10), found 11");
  bad = y;
  bad.data = nullptr;
  EXPECT_EQ(error_of(OPHION_ARGUMENT, {x, bad}), where + "columns[1] ('y') is NULL");
  bad = y;
  bad.rows = 1;
  EXPECT_EQ(error_of(OPHION_DATA, {x, bad}), "column 'y' has 1 rows, 'x' has 2");
}

TEST(CModel, BindsNamesInTheCallersOrder) {
  const auto model = load("sum.ophion");
  const auto bound = bind(model.get(), {"y", "x"});
  const float event[] = {-2, 1};
  float score = 0;
  ASSERT_EQ(ophion_bound_predict_one(bound.get(), event, 2, &score, 1), OPHION_OK) << ophion_error_text();
  EXPECT_EQ(score, 11);
  const std::vector<float> rows{-2, 1, 4, 3};
  const ophion_matrix matrix = matrix_of(rows, 2, 2);
  float out[2];
  ASSERT_EQ(ophion_bound_predict(bound.get(), &matrix, out, 2), OPHION_OK) << ophion_error_text();
  EXPECT_THAT(out, ElementsAre(11, 23));
}

TEST(CModel, RefusesNamesAndNumbersThatDontFitABinding) {
  const auto model = load("sum.ophion");
  const char* const wrong[] = {"x", "Y"};
  ophion_bound* none = nullptr;
  EXPECT_EQ(ophion_model_bind(model.get(), wrong, 2, &none), OPHION_DATA);
  EXPECT_THAT(ophion_error_text(), testing::AllOf(HasSubstr("names to bind: no 'y'"), HasSubstr("did you mean 'Y'?")));
  const auto bound = bind(model.get(), {"x", "y"});
  const float event[] = {1, 2, 3};
  float out[2];
  EXPECT_EQ(ophion_bound_predict_one(bound.get(), event, 3, out, 1), OPHION_MODEL);
  EXPECT_THAT(ophion_error_text(), StrEq("expected 2 numbers, one a bound name, found 3"));
  EXPECT_EQ(ophion_bound_predict_one(bound.get(), event, 2, out, 2), OPHION_ARGUMENT);
  EXPECT_THAT(ophion_error_text(), StrEq("ophion_bound_predict_one: expected room for 1 × 1 scores, found 2"));
}

TEST(CModel, AModelMayBeFreedBeforeWhatWasBoundToIt) {
  auto model = load("sum.ophion");
  const auto bound = bind(model.get(), {"x", "y"});
  model.reset();
  const float event[] = {1, 2};
  float score = 0;
  ASSERT_EQ(ophion_bound_predict_one(bound.get(), event, 2, &score, 1), OPHION_OK);
  EXPECT_EQ(score, 11);
}

TEST(CModel, SavesTheBytesItCameFrom) {
  const TemporaryFolder folder;
  const auto model = load("sum.ophion");
  const std::string file = folder.path() / "again.ophion";
  ASSERT_EQ(ophion_model_save(model.get(), file.c_str()), OPHION_OK) << ophion_error_text();
  EXPECT_EQ(read_text(file), read_text(models + "sum.ophion"));
  EXPECT_NE(ophion_model_save(model.get(), "/nowhere/m.ophion"), OPHION_OK);
  EXPECT_THAT(ophion_error_text(), HasSubstr("/nowhere"));
}

TEST(CModel, ScoresInManyThreadsEachWithErrorsOfItsOwn) {
  const auto model = load("sum.ophion");
  const auto bound = bind(model.get(), {"x", "y"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const float event[] = {static_cast<float>(t), static_cast<float>(i), 0, 0, 0, 0};
        float score = 0;
        ASSERT_EQ(ophion_bound_predict_one(bound.get(), event, 2, &score, 1), OPHION_OK);
        ASSERT_EQ(score, static_cast<float>(t + 5 * i));
        const std::size_t wrong = static_cast<std::size_t>(t) + 3;
        ASSERT_EQ(ophion_bound_predict_one(bound.get(), event, wrong, &score, 1), OPHION_MODEL);
        ASSERT_EQ(ophion_error_text(), "expected 2 numbers, one a bound name, found " + std::to_string(wrong));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}
