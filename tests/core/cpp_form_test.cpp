/// Models as C++ headers: what numbers look like there. That headers compile and score as their models is seen from outside.
#include <clocale>
#include <cmath>
#include <limits>
#include <string>

#include <gmock/gmock.h>

#include <ophion/model.h>

#include "core/german_locale.h"
#include "core/native_model.h"
#include "core/temporary_folder.h"
#include "native/forest_reference.h"

using namespace ophion;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

constexpr const char* sum_of_trees = R"({"kind": "forest", "link": "identity", "scale": 1})";

/// The header of a forest whose model has so many features.
std::string header_of(const native::ForestArrays& forest, int features) {
  const TemporaryFolder folder;
  const auto three = native_model(forest_members(forest, sum_of_trees), "keep");
  Value manifest = three->manifest(), list = Value::array();
  for (int i = 0; i < features; ++i) {
    Value feature = manifest.at("features").at(0);
    feature.set("name", "f" + std::to_string(i));
    list.push_back(std::move(feature));
  }
  manifest.set("features", std::move(list));
  ModelFile::make(std::move(manifest), three->members())->write(folder.path() / "m.ophion");
  export_cpp(folder.path() / "m.ophion", folder.path() / "m.h");
  return read_text(folder.path() / "m.h");
}

}  // namespace

TEST(CppForm, WritesNumbersThatAreNotFiniteAsCppKnowsThem) {
  native::ForestArrays forest;
  forest.features = 3;
  forest.outputs = 1;
  forest.roots = {0};
  forest.feature = {1, -1, -1};
  // All numbers go left, NaN goes right: as HistGradientBoosting splits off what is missing. A leaf's threshold is nobody's.
  forest.threshold = {std::numeric_limits<float>::infinity(), std::nanf(""), -2};
  forest.left = {1, 0, 1};
  forest.right = {2, 0, 0};
  forest.missing_left = {0, 0, 0};
  forest.values = {0.1, -0.5};
  forest.base = {0};
  const std::string header = header_of(forest, 3);
  EXPECT_THAT(header, HasSubstr("threshold[] = {std::numeric_limits<float>::infinity(),\n    std::numeric_limits<float>::quiet_NaN(),-0x1p+1f,};"));
  EXPECT_THAT(header, HasSubstr("values[] = {0x1.999999999999ap-4,-0x1p-1,"));
}

TEST(CppForm, IsTheSameInEveryLocale) {
  native::ForestMaker maker({.features = 1200}, 3);
  maker.add_tree(40);
  const std::string header = header_of(maker.arrays, 1200);
  EXPECT_THAT(header, HasSubstr("std::size_t features = 1200;"));
  const GermanLocale german;
  if (!german.made()) GTEST_SKIP() << "there is no localedef here, or no source of de_DE";
  EXPECT_STREQ(std::localeconv()->decimal_point, ",");
  EXPECT_EQ(header_of(maker.arrays, 1200), header);
}
