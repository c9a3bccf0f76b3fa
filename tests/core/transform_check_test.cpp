/// Rules of transforms: names of features along the list, classes, bounds, and TMVA's names.
#include "transform_check.h"

#include <gmock/gmock.h>

#include <ophion/error.h>

using ophion::read_json;
using ophion::Value;

namespace {

const char* const small_config = R"json({
  "data": {"samples": [{"class": "signal"}, {"class": "qcd"}, {"class": "qcd"}],
           "features": ["pt", {"name": "abs_eta", "expr": "abs(eta)"}, "njet", "flavour"]}})json";

std::string transforms_problem(const std::string& transforms, const std::string& whole = small_config) {
  try {
    ophion::check_transforms(read_json(whole, ""), read_json("[" + transforms + "]", ""), "c.json", "/t");
  } catch (const ophion::ConfigError& error) {
    return error.what();
  }
  return "";
}

const std::string flavours = R"({"type": "onehot", "features": ["flavour"]},)";
const std::string two_flavours = R"({"type": "onehot", "features": ["flavour"], "categories": [5, -1]},)";

}  // namespace

TEST(Transforms, MayNameFeaturesThatAreThere) {
  EXPECT_EQ(transforms_problem(R"({"type": "log", "features": ["pt", "abs_eta"]})"), "");
  EXPECT_EQ(transforms_problem(R"({"type": "standard"}, {"type": "log", "features": ["flavour", "ptt"]})"),
            "c.json /t/1/features/1: there is no feature 'ptt' at that point; did you mean 'pt'?");
  EXPECT_EQ(transforms_problem(R"({"type": "log", "features": ["abseta"]})"),
            "c.json /t/0/features/0: there is no feature 'abseta' at that point; did you mean 'abs_eta'?");
}

TEST(Transforms, NamesOfCategoriesAreThoseGivenOrAnyNumber) {
  EXPECT_EQ(transforms_problem(flavours + R"({"type": "standard", "features": ["flavour=5", "flavour=-17", "pt"]})"), "");
  EXPECT_EQ(transforms_problem(two_flavours + R"({"type": "standard", "features": ["flavour=5", "flavour=-1"]})"), "");
  for (const std::string& encoder : {flavours, two_flavours}) {
    EXPECT_EQ(transforms_problem(encoder + R"({"type": "standard", "features": ["pt", "flavour"]})").substr(0, 68),
              "c.json /t/1/features/1: there is no feature 'flavour' at that point;");
    EXPECT_NE(transforms_problem(encoder + R"({"type": "standard", "features": ["flavour=b"]})"), "");
  }
  EXPECT_EQ(transforms_problem(two_flavours + R"({"type": "standard", "features": ["flavour=4"]})").substr(0, 70),
            "c.json /t/1/features/0: there is no feature 'flavour=4' at that point;");
}

TEST(Transforms, ComponentsTakeThePlaceOfTheirFeatures) {
  const std::string two = R"({"type": "pca", "features": ["pt", "njet"]},)";
  EXPECT_EQ(transforms_problem(two + R"({"type": "log", "features": ["pca_0", "pca_1", "abs_eta"]})"), "");
  EXPECT_EQ(transforms_problem(two + R"({"type": "log", "features": ["pca_2"]})"),
            "c.json /t/1/features/0: there is no feature 'pca_2' at that point; did you mean 'pca_0' or 'pca_1'?");
  EXPECT_NE(transforms_problem(two + R"({"type": "log", "features": ["pt"]})"), "");
  EXPECT_EQ(transforms_problem(two + R"({"type": "pca", "n_components": 1}, {"type": "log", "features": ["pca_2"]})"), "");
  EXPECT_NE(transforms_problem(two + R"({"type": "pca", "n_components": 1}, {"type": "log", "features": ["pca_3"]})"), "");
  EXPECT_EQ(transforms_problem(R"({"type": "pca", "features": ["pt", "njet"], "n_components": 3})"),
            "c.json /t/0/n_components: expected at most 2, the number of its features, found 3");
  EXPECT_EQ(transforms_problem(R"({"type": "pca", "n_components": 5})"), "c.json /t/0/n_components: expected at most 4, the number of its features, found 5");
}

TEST(Transforms, WhatDependsOnCategoriesOfTheEventsIsLeftToTheFit) {
  EXPECT_EQ(transforms_problem(flavours + R"({"type": "pca", "n_components": 50}, {"type": "log", "features": ["pca_49"]})"), "");
  EXPECT_EQ(transforms_problem(flavours + R"({"type": "pca"}, {"type": "pca"}, {"type": "log", "features": ["pca_12"]})"), "");
  EXPECT_NE(transforms_problem(flavours + R"({"type": "pca"}, {"type": "log", "features": ["pt"]})"), "");
}

TEST(Transforms, DecorrelateForAClassThereIs) {
  EXPECT_EQ(transforms_problem(R"({"type": "decorrelate", "class": "all"}, {"type": "decorrelate", "class": "qcd"})"), "");
  EXPECT_EQ(transforms_problem(R"({"type": "decorrelate", "class": "qdc"})"), "c.json /t/0/class: there is no class 'qdc'; did you mean 'qcd'?");
  EXPECT_EQ(transforms_problem(R"({"type": "decorrelate", "class": "w"})"), "c.json /t/0/class: there is no class 'w'; known are all, signal, qcd");
  // A program brings its classes with its events.
  EXPECT_EQ(transforms_problem(R"({"type": "decorrelate", "class": "w"})", R"({"data": {"features": ["pt"]}})"), "");
}

TEST(Transforms, NeedBoundsThatLeaveSomethingBetweenThem) {
  EXPECT_EQ(transforms_problem(R"({"type": "minmax", "minimum": 1, "maximum": 1})"), "c.json /t/0: expected minimum to be less than maximum");
  EXPECT_EQ(transforms_problem(R"({"type": "robust", "lower": 0.8, "upper": 0.75})"), "c.json /t/0: expected lower to be less than upper");
  EXPECT_EQ(transforms_problem(R"({"type": "clip"})"), "c.json /t/0: a 'clip' needs a bound: minimum, maximum, lower or upper");
  EXPECT_EQ(transforms_problem(R"({"type": "clip", "maximum": 3, "upper": 0.9})"),
            "c.json /t/0/upper: stands beside 'maximum'; one of the two is the bound");
  EXPECT_EQ(transforms_problem(R"({"type": "clip", "minimum": 3, "upper": 0.9}, {"type": "clip", "lower": 0.1})"), "");
}

TEST(Transforms, HaveTmvasNamesForQuantiles) {
  Value transforms = read_json(R"(["gauss", {"type": "uniform", "n_quantiles": 5, "features": ["pt"]}, "pca"])", "");
  ophion::spell_out_transforms(transforms);
  EXPECT_EQ(transforms, read_json(R"([{"type": "quantile", "output": "normal"},
                                      {"type": "quantile", "n_quantiles": 5, "features": ["pt"], "output": "uniform"}, {"type": "pca"}])", ""));
}
