/// Writes the model files that the tests of the C API load, all of the method "linear" in C++ alone:
///   make_models FOLDER      sum.ophion (score = x + 5 |y|), three.ophion (three classes), code.ophion (one that carries code)
#include <cstdio>
#include <exception>
#include <filesystem>

#include "core/small_model.h"

namespace {

std::shared_ptr<const ophion::ModelFile> model_of_three_classes() {
  ophion::Value manifest = ophion::read_json(small_manifest, "manifest");
  manifest.set("classes", std::vector<std::string>{"a", "b", "c"});
  manifest.set("outputs", std::vector<std::string>{"score_a", "score_b", "score_c"});
  auto members = small_members();
  const std::vector<double> weights{1, 0, 0, 2, 1, 2};
  const std::vector<float> features{1, 4}, scores{1, 4, 5};
  std::string& bytes = members.at("payload/0/weights.bin");
  bytes.assign(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(double));
  members.at("selftest.safetensors") = ophion::write_safetensors(
      {{"features", ophion::make_tensor(features, {1, 2})}, {"scores", ophion::make_tensor(scores, {1, 3})}});
  return ophion::ModelFile::make(std::move(manifest), std::move(members));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  small_model()->write(folder / "sum.ophion");
  model_of_three_classes()->write(folder / "three.ophion");
  small_model_with_code(true)->write(folder / "code.ophion");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_models: %s\n", error.what());
  return 1;
}
