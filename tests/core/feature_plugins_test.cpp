/// Plug-ins of features from their notes to configs, model files and scores.
#include "feature_functions.h"

#include <cmath>

#include <gmock/gmock.h>

#include <ophion/error.h>
#include <ophion/model.h>

#include "core/cpp_plugins.h"
#include "core/elf_file.h"
#include "core/error_of.h"
#include "core/events_from_files.h"
#include "core/temporary_folder.h"
#include "features.h"
#include "join_folds.h"
#include "model_builder.h"
#include "model_functions.h"
#include "model_manifest.h"
#include "native/evaluated.h"
#include "plugin_note.h"
#include "safetensors.h"

namespace ophion {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const fs::path binary = OPHION_BINARY_DIR;

fs::path angles(const std::string& variant = "angles") { return binary / "tests" / "features" / variant; }

Registry angles_registry(const std::string& variant = "angles") { return Registry({angles(variant), cpp_plugins}); }

FeatureFunctions functions() { return FeatureFunctions(angles_registry(), {"angles"}); }

std::vector<double> evaluated_with_angles(const std::string& text, const std::vector<std::vector<double>>& columns) {
  return native::evaluated(parse_expression(text, "feature", functions()), columns);
}

std::string config_text(const std::string& plugins, const std::string& features, const std::string& more = "") {
  return R"({"version": 1, "name": "run", "task": "classification", "plugins": )" + plugins +
         R"(, "data": {"samples": [{"class": "signal", "files": ["x.root"]}, {"class": "background", "files": ["y.root"]}], "features": )" +
         features + more + R"(}, "methods": [{"name": "sum", "type": "linear", "weights": [1, 10]}]})";
}

Config config_with(const std::string& features, const std::string& more = "", const Registry& known = angles_registry()) {
  return Config::from_json(config_text(R"(["angles"])", features, more), ".", known);
}

std::string config_refusal(const std::string& text, const Registry& known = angles_registry()) {
  return error_of<ConfigError>([&] { Config::from_json(text, ".", known); });
}

LoadOptions angles_options(const std::string& variant = "angles") {
  LoadOptions options;
  options.registry = angles_registry(variant);
  return options;
}

const std::string two_features = R"(["delta_phi", {"name": "lead", "expr": "ratio(a, b) - 1"}])";

/// The file of a training of the method "linear", which scores delta_phi + 10 lead.
std::shared_ptr<const ModelFile> trained_file(const Config& config) {
  const std::vector<float> rows = {0, 1, 2, 3};
  Part part;
  part.features = MatrixView(rows.data(), 2, 2);
  Spec spec;
  spec.task = config.task();
  spec.classes = config.classes();
  for (const auto& feature : config.data().features) spec.features.push_back(feature.name);
  const MethodConfig& method = config.methods()[0];
  TrainContext context;
  context.options = method.options;
  const Preprocessing preprocessing(config.data().missing, {}, spec.features);
  const Value provenance = Value::object();
  return build_model_file({config, method, spec, preprocessing, config.registry().method("linear")->train({}, context), part, provenance, {}});
}

/// The same file with another manifest, and numbers of functions where they are given.
std::shared_ptr<const ModelFile> with_changed_plugin(const ModelFile& file, const std::function<void(Value& plugin)>& change, const std::string& numbers = "") {
  Value manifest = file.manifest();
  change(manifest.find("plugins")->as_array()[0]);
  auto members = file.members();
  if (!numbers.empty()) members["functions.safetensors"] = numbers;
  return ModelFile::make(std::move(manifest), std::move(members));
}

TEST(FeaturePlugins, AreKnownByTheirNotesBeforeTheyAreOpened) {
  const auto info = read_plugin_note(angles() / "angles_features.so");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->kind, "features");
  EXPECT_EQ(info->name, "angles");
  EXPECT_EQ(info->own_version, "1.0");
  EXPECT_EQ(info->version, OPHION_VERSION);
  EXPECT_FALSE(info->needs_python);
  ASSERT_EQ(info->functions.size(), 2u);
  EXPECT_EQ(info->functions[0].name, "delta_phi");
  EXPECT_THAT(info->functions[0].arguments, ElementsAre("phi1", "phi2"));
  EXPECT_EQ(info->functions[1].name, "ratio");
  EXPECT_THAT(info->functions[1].arguments, ElementsAre("pt[0]", "pt[1]"));
}

TEST(FeaturePlugins, WithDamagedNotesNeverCrash) {
  const TemporaryFolder folder;
  const auto read = [&](const FeatureNote& feature) {
    const std::string bytes(reinterpret_cast<const char*>(&feature), sizeof feature);
    const PluginNote plugin = detail::make_note("features", "angles", NeedsPython::no, "", "1.0");
    write_text(folder.path() / "x.so", elf_with(bytes + bytes_of(plugin)));
    const auto info = read_plugin_note(folder.path() / "x.so");
    return info ? info->functions : std::vector<FeatureInfo>();
  };
  const FeatureNote good = detail::make_feature_note("delta_phi", "phi1", "phi2");
  ASSERT_EQ(read(good).size(), 1u);
  EXPECT_THAT(read(good)[0].arguments, ElementsAre("phi1", "phi2"));
  FeatureNote bad = good;
  std::memset(bad.arguments, 'x', sizeof bad.arguments);
  EXPECT_TRUE(read(bad).empty());
  bad = good;
  bad.name[0] = '9';
  EXPECT_TRUE(read(bad).empty());
  bad = good;
  bad.name[0] = '\0';
  EXPECT_TRUE(read(bad).empty());
  bad = good;
  bad.description_size += 4;
  EXPECT_TRUE(read(bad).empty());
}

TEST(FeaturePlugins, GiveTheirFunctionsToExpressions) {
  // Angles modulo 2 π: 6 and 0.2 are 2 π - 5.8 apart.
  const double expected = 2 * std::acos(-1.0) - 5.8;
  EXPECT_DOUBLE_EQ(evaluated_with_angles("delta_phi", {{6}, {0.2}})[0], expected);
  EXPECT_DOUBLE_EQ(evaluated_with_angles("delta_phi(b, a) + 1", {{6}, {0.2}})[0], expected + 1);
  EXPECT_EQ(evaluated_with_angles("ratio > 2", {{9, 6}, {3, 3}}), (std::vector<double>{1, 0}));
  EXPECT_EQ(parse_expression("ratio", "feature", functions()).inputs(), (std::vector<native::Input>{{"pt", 0}, {"pt", 1}}));
}

TEST(FeaturePlugins, AreNamedWhereAFunctionIsUnknown) {
  const auto refusal = [](const std::string& text, const FeatureFunctions& known) {
    return error_of<DataError>([&] { parse_expression(text, "selection", known); });
  };
  EXPECT_EQ(refusal("delta_phy(a, b) > 1", functions()),
            "selection 'delta_phy(a, b) > 1': there is no function 'delta_phy'; did you mean 'delta_phi'? (plug-ins of features: angles) at column 1");
  EXPECT_EQ(refusal("delta_phi(a, b)", FeatureFunctions(angles_registry(), {})),
            "selection 'delta_phi(a, b)': there is no function 'delta_phi' (the plug-in 'angles' has one: name it in \"plugins\") at column 1");
  EXPECT_EQ(refusal("delta_phi(a)", functions()), "selection 'delta_phi(a)': 'delta_phi' takes 2 arguments (phi1, phi2), found 1 at column 1");
}

TEST(FeaturePlugins, AreRefusedWhereTheirNamesClash) {
  const Registry both({angles(), angles("rival")});
  EXPECT_THAT(error_of<PluginError>([&] { FeatureFunctions(both, {"angles", "rival"}); }),
              AllOf(StartsWith("the function 'delta_phi' is defined by the plug-in 'angles' ("), HasSubstr(") and by the plug-in 'rival' (")));
  EXPECT_EQ(FeatureFunctions(both, {"rival"}).all().size(), 2u);
  EXPECT_THAT(error_of<PluginError>([&] { FeatureFunctions(angles_registry("greedy"), {"greedy"}); }),
              AllOf(StartsWith("the plug-in 'greedy' ("), HasSubstr("defines 'sign', which is a word of the expressions themselves")));
}

TEST(FeaturePlugins, AreOfAConfigThatNamesThem) {
  const Config good = config_with(R"(["delta_phi", {"name": "far", "expr": "delta_phi(a, b) > 2"}, "eta"])",
                             R"(, "split": {"by": "ratio(event, 2) % 5", "validation": [3], "test": [4]})");
  EXPECT_EQ(good.data().features[0].expression, "delta_phi");
  EXPECT_EQ(good.resolved().at("plugins"), Value(Value::Array{"angles"}));
  EXPECT_EQ(functions_of(good.data()).all().size(), 2u);
  EXPECT_EQ(functions_of(Config::from_json(config_text("[]", R"(["delta_phi", "y"])"), ".", angles_registry()).data()).all().size(), 0u);
}

TEST(FeaturePlugins, OfAConfigAreRefusedByName) {
  EXPECT_THAT(config_refusal(config_text(R"(["angels"])", R"(["x", "y"])")),
              AllOf(HasSubstr("/plugins: no plug-in of features 'angels'; did you mean 'angles'?"), HasSubstr("found: angles; looked in")));
  EXPECT_THAT(config_refusal(config_text(R"(["../angles"])", R"(["x", "y"])")), HasSubstr("/plugins/0: "));
  EXPECT_THAT(config_refusal(config_text(R"(["linear"])", R"(["x", "y"])")), HasSubstr("no plug-in of features 'linear'"));
  EXPECT_THAT(config_refusal(config_text(R"(["angles", "angles"])", R"(["x", "y"])")), HasSubstr("/plugins"));
  EXPECT_THAT(config_refusal(config_text("[]", R"x(["x", {"name": "y", "expr": "delta_phi(a, b)"}])x")),
              HasSubstr("/data/features/1/expr: feature 'delta_phi(a, b)': there is no function 'delta_phi' (the plug-in 'angles' has one"));
  EXPECT_THAT(config_refusal(config_text(R"(["angles"])", R"(["delta_phi", {"name": "y", "expr": "2 * `delta_phi`"}])")),
              HasSubstr("the name 'delta_phi' of this expression is also the column that the feature 'y' reads"));
}

class FeaturePluginsWithFiles : public EventsFromFiles {};

TEST_F(FeaturePluginsWithFiles, ServeSelectionsWeightsFeaturesAndSplits) {
  file("s.fake", {made_column<double>("phi1", {0.5, 1, 1.5, 2}), made_column<double>("phi2", {0, 0, 0, 0}), made_column<float>("n", {1, 2, 3, 4})});
  file("b.fake", {made_column<double>("phi1", {3, 3}), made_column<double>("phi2", {1, 2}), made_column<float>("n", {8, 9})});
  plan_.data.functions = std::make_shared<const FeatureFunctions>(functions());
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  plan_.data.samples[0].selection = "delta_phi > 0.75";
  plan_.data.samples[0].weight = "ratio(n, 2)";
  plan_.data.features = {{"delta_phi", "delta_phi", ""}, {"half", "ratio(delta_phi(phi1, phi2), 2)", ""}};
  plan_.data.split.by = "ratio(n, 1) % 2";
  plan_.data.split.test_values = {1};
  const Events events = read();
  const Part& train = events[PartName::train];
  ASSERT_EQ(train.rows(), 3u);  // n = 2, 4 and 8
  EXPECT_THAT(train.weights, ElementsAre(1, 2, 1));
  EXPECT_FLOAT_EQ(train.features.at(0, 0), 1);
  EXPECT_FLOAT_EQ(train.features.at(1, 1), 1);
  EXPECT_FLOAT_EQ(train.features.at(2, 0), 2);
  EXPECT_EQ(events[PartName::test].rows(), 2u);
}

TEST_F(FeaturePluginsWithFiles, GiveMissingValuesAndErrorsThatNameThem) {
  file("s.fake", {made_column<double>("phi1", {0.5, NAN}), made_column<double>("phi2", {0, 1}), made_column<float>("n", {1, 0})});
  file("b.fake", {made_column<double>("phi1", {3}), made_column<double>("phi2", {1}), made_column<float>("n", {8})});
  plan_.data.functions = std::make_shared<const FeatureFunctions>(functions());
  plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  plan_.data.features = {{"delta_phi", "delta_phi", ""}};
  EXPECT_THAT(error(), HasSubstr("feature 'delta_phi' is not finite in 1 of 2 selected events"));
  plan_.data.missing = MissingPolicy::drop;
  EXPECT_EQ(read()[PartName::train].rows(), 2u);
  plan_.data.features = {{"r", "ratio(phi2, n)", ""}};
  EXPECT_THAT(error(), AllOf(HasSubstr("s.fake"), HasSubstr("feature 'r': the function 'ratio' failed: nothing is left below")));
}

TEST(FeaturePlugins, OfAModelStandInItsFile) {
  const auto file = trained_file(config_with(two_features));
  const Value& plugin = file->manifest().at("plugins").at(0);
  EXPECT_EQ(plugin.at("name").as_text(), "angles");
  EXPECT_EQ(plugin.at("version").as_text(), "1.0");
  EXPECT_EQ(plugin.at("functions").at(0).at("name").as_text(), "delta_phi");
  EXPECT_THAT(plugin.at("functions").at(0).at("arguments").as_texts(), ElementsAre("phi1", "phi2"));
  EXPECT_EQ(file->manifest().at("features").at(0).at("expression"),
            read_json(R"(["call", "delta_phi", ["column", "phi1"], ["column", "phi2"]])", "tree"));
  EXPECT_EQ(file->manifest().at("inputs"), read_json(R"(["phi1", "phi2", "a", "b"])", "inputs"));
  const auto without = trained_file(config_with(R"(["x", "y"])"));  // named, not called
  EXPECT_EQ(without->manifest().find("plugins"), nullptr);
  EXPECT_FALSE(without->members().contains("functions.safetensors"));
}

TEST(FeaturePlugins, ServeAModelsPredictionsByRawColumnsAndByFeatures) {
  const Model model(trained_file(config_with(two_features)), angles_options());
  EXPECT_FLOAT_EQ(model.bind({"phi1", "phi2", "a", "b"})({0.5f, 0.25f, 9, 3}), 0.25f + 10 * 2);
  EXPECT_FLOAT_EQ(model.bind({"b", "delta_phi", "a"})({3, 0.25f, 9}), 0.25f + 10 * 2);
  const std::vector<double> phi1{0.5, 1}, phi2{0.25, 0.5}, a{9, 4}, b{3, 2};
  const auto column = [](const char* name, const std::vector<double>& numbers) { return Column(name, std::span(numbers)); };
  const std::vector<float> scores = model.predict({column("phi1", phi1), column("phi2", phi2), column("a", a), column("b", b)});
  EXPECT_FLOAT_EQ(scores[0], 20.25f);
  EXPECT_FLOAT_EQ(scores[1], 10.5f);
  EXPECT_EQ(error_of<DataError>([&] { model.bind({"phi1", "phi2", "a", "b"})({0.5f, 0.25f, 9, 0}); }),
            "the function 'ratio' failed: nothing is left below");
}

TEST(FeaturePlugins, OfAModelMustBeThereInTheSameVersion) {
  const auto file = trained_file(config_with(two_features));
  LoadOptions without;
  without.registry = Registry({cpp_plugins});
  EXPECT_THAT(error_of<PluginError>([&] { Model(file, without); }),
              AllOf(StartsWith("a model in memory needs the plug-in of features 'angles', version 1.0: no plug-in of features 'angles'"), HasSubstr("looked in")));
  EXPECT_THAT(error_of<ModelError>([&] { Model(file, angles_options("newer")); }),
              StartsWith("a model in memory: was made with version 1.0 of the plug-in of features 'angles'; this is version 1.1 (" + angles("newer").string()));
  EXPECT_THAT(error_of<ModelError>([&] { Model(file, angles_options("changed")); }),
              AllOf(StartsWith("a model in memory: the function 'delta_phi' of the plug-in 'angles' gave "), HasSubstr(" in training and gives "),
                    HasSubstr("it was changed under the same version")));
}

TEST(FeaturePlugins, OfADamagedModelFileAreRefused) {
  const auto file = trained_file(config_with(two_features));
  const auto loading = [](const std::shared_ptr<const ModelFile>& damaged) { return error_of<ModelError>([&] { Model(damaged, angles_options()); }); };
  EXPECT_EQ(loading(with_changed_plugin(*file, [](Value& plugin) { plugin.set("name", "../../home/angles"); })),
            "a model in memory: '../../home/angles' can't be the name of a plug-in");
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value& plugin) { plugin.find("functions")->as_array()[0].set("name", "theta"); })),
              HasSubstr("the function 'theta' of the plug-in 'angles' is not there"));
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value& plugin) { plugin.find("functions")->as_array()[0].set("arguments", Value(Value::Array{"phi2", "phi1"})); })),
              HasSubstr("'delta_phi' of the plug-in 'angles' took (phi2, phi1) in training and takes (phi1, phi2) here"));
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value& plugin) { plugin.set("functions", Value::array()); })),
              HasSubstr("a damaged expression: it calls 'delta_phi', which no plug-in of the model has"));
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value& plugin) { plugin.set("version", 1); })), StartsWith("a model in memory: "));
  const std::vector<double> narrow{1, 2};
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value&) {}, write_safetensors({{"delta_phi", make_tensor(narrow, {1, 2})}}))),
              HasSubstr("has numbers of another shape in the model file"));
  EXPECT_THAT(loading(with_changed_plugin(*file, [](Value&) {}, write_safetensors({{"theta", make_tensor(narrow, {1, 2})}}))),
              HasSubstr("has no numbers in the model file"));
}

TEST(FeaturePlugins, AreNotNeededToReadWhatAModelIs) {
  const auto file = trained_file(config_with(two_features));
  const ModelDescription described = read_manifest(*file);
  EXPECT_EQ(described.features[0].expression.functions().at(0).name, "delta_phi");
  EXPECT_EQ(described.features[0].expression.functions().at(0).loop, nullptr);
  EXPECT_THAT(plugins_of(file->manifest()), ElementsAre("angles"));
}

TEST(FeaturePlugins, ServeTheModelOfACrossValidation) {
  const Config folded = config_with(two_features, R"x(, "split": {"folds": "ratio(event, 1) % 2"})x");
  FoldedParts parts{{trained_file(folded), trained_file(folded)}, folded.data().split.fold_by, Value::object(), functions()};
  const Model model(join_folds(parts, {}), angles_options());
  EXPECT_EQ(model.folds(), 2u);
  EXPECT_THAT(model.fold_inputs(), ElementsAre("event"));
  EXPECT_FLOAT_EQ(model.bind({"phi1", "phi2", "a", "b", "event"})({0.5f, 0.25f, 9, 3, 7}), 20.25f);
}

}  // namespace
}  // namespace ophion
