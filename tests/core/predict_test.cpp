/// Files scored chunk by chunk.
#include <ophion/predict.h>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "core/native_model.h"
#include "core/temporary_folder.h"
#include "native/forest_reference.h"

using namespace ophion;
namespace fs = std::filesystem;

TEST(PredictFiles, RefusesAReaderThatGivesOtherColumnsThanWereAskedFor) {
  const TemporaryFolder folder;
  native::ForestMaker maker({.features = 3}, 3);
  maker.add_tree(4);
  PredictOptions options;
  options.registry = Registry({fs::path(OPHION_BINARY_DIR) / "tests" / "guests", fs::path(OPHION_BINARY_DIR) / "tests" / "plain_tools"});
  const Model model(native_model(forest_members(maker.arrays, R"({"kind": "forest", "link": "identity", "scale": 1})"), "keep"));
  for (const Isolation isolation : {Isolation::none, Isolation::process}) {
    options.isolation = isolation;
    EXPECT_EQ(error_of<DataError>([&] { predict_files(model, {"promises.guest"}, folder.path() / "scores.csv", options); }),
              "promises.guest: expected the columns x, y, z from its reader, found none");
  }
}
