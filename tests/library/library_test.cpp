/// The library as a program sees it: libophion_core, public headers, plug-ins in C++ alone.
#include <cstdlib>

#include <gmock/gmock.h>

#include <ophion/ophion.h>
#include <ophion/plugin.h>

#include "core/cpp_plugins.h"
#include "core/error_of.h"
#include "core/temporary_folder.h"

using namespace ophion;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

const fs::path own_folder = fs::canonical(OPHION_LIBRARY_DIR) / "ophion";

const char* const config = R"({
  "version": 1, "name": "run", "task": "classification",
  "data": {"samples": [{"class": "signal", "files": ["s.root"]}, {"class": "background", "files": ["b.root"]}], "features": ["x", "y"]},
  "methods": [{"name": "sum", "type": "linear", "weights": [1, 2]}]
})";

}  // namespace

TEST(Library, MergesThePluginsSchemaIntoTheConfig) {
  const Registry registry({cpp_plugins});
  const Config checked = Config::from_json(config, ".", registry);
  EXPECT_EQ(checked.methods().at(0).options.at("slope").as_number(), 1.5);
  EXPECT_THAT(error_of<ConfigError>([&] { checked.set("methods.0.slop", "1"); }), HasSubstr("did you mean 'slope'"));
  EXPECT_THAT(error_of<ConfigError>([&] { checked.set("methods.0.weights", "[]"); }), HasSubstr("/methods/0/weights"));
}

TEST(Library, TrainsLoadsAndScoresThroughAPluginWithoutPython) {
  const auto method = Registry({cpp_plugins}).method("linear");
  TrainContext context;
  context.options = read_json(R"({"weights": [1, 2]})", "options");
  Spec spec;
  spec.task = "classification";
  spec.features = {"x", "y"};
  spec.classes = {"background", "signal"};
  const auto backend = method->load(method->train({}, context), spec, context.options, {});
  const std::vector<float> x{1, 2};
  std::vector<float> out(1);
  backend->predict(MatrixView(x.data(), 1, 2), out);
  EXPECT_EQ(out[0], 5.0f);
  EXPECT_FALSE(python_report().at("running").as_boolean());
}

TEST(Library, CatchesWhatAPluginThrowsByItsOwnType) {
  const auto method = Registry({cpp_plugins}).method("linear");
  TrainContext context;
  EXPECT_THAT(error_of<Error>([&] { method->train({}, context); }), HasSubstr("expected an object, found null"));
}

TEST(Library, FindsItsOwnFolder) {
  const Value report = python_report();
  EXPECT_EQ(report.at("package").as_text(), (own_folder / "python" / "ophion").string());
  EXPECT_THAT(error_of<PluginError>([] { Registry().info("tool", "no_such_tool"); }), HasSubstr((own_folder / "plugins").string()));
}

TEST(Library, RefusesAFileThatIsNoModel) {
  const TemporaryFolder folder;
  write_text(folder.path() / "m.ophion", "PK but no archive");
  EXPECT_THAT(error_of<ModelError>([&] { Model::load(folder.path() / "m.ophion"); }), HasSubstr("m.ophion: is no archive, or a damaged one"));
}
