/// Models of a forger whose hashes all fit: a manifest, then a byte 0 and transforms.safetensors, then, behind the next "\0next\0",
/// selftest.safetensors. What is read is used: features are computed and transformed.
#include <span>
#include <vector>

#include "features.h"
#include "fuzz/fuzzer.h"
#include "model_manifest.h"
#include "preprocessing.h"

namespace {

constexpr std::string_view border("\0next\0", 6);

/// Scores that depend on every feature, so that all of them are read.
class Sums final : public ophion::Backend {
 public:
  const std::string& name() const noexcept override {
    static const std::string sums = "sums";
    return sums;
  }
  void predict(const ophion::MatrixView& features, std::span<float> out) const override {
    for (float& score : out) score = 0;
    for (std::size_t i = 0; i < features.rows(); ++i) {
      for (std::size_t j = 0; j < features.columns(); ++j) out[i * (out.size() / features.rows())] += features.at(i, j);
    }
  }
};

void use(const ophion::ModelDescription& model) {
  constexpr std::size_t rows = 3, most_columns = 10'000;
  const std::vector<double> column{0.5, -2, 1e30};
  const auto evaluate = [&](const ophion::native::Expression& expression) {
    if (!expression.functions().empty()) return;  // of plug-ins, which are known by name alone
    const std::vector<const double*> columns(expression.inputs().size(), column.data());
    std::vector<double> out(rows);
    expression.evaluate(columns, rows, out.data());
  };
  for (const auto& feature : model.features) evaluate(feature.expression);
  if (model.folds.by) evaluate(*model.folds.by);
  if (model.spec.features.size() > most_columns || model.spec.outputs() > most_columns) return;
  const std::vector<float> features(rows * model.spec.features.size(), 0.25f);
  std::vector<float> scores(rows * model.spec.outputs());
  for (const auto& preprocessing : model.preprocessing) {
    preprocessing.predict(Sums(), {features.data(), rows, model.spec.features.size()}, model.spec.outputs(), scores);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ophion;
  const std::string_view text = text_of(data, size);
  const std::size_t end = text.find('\0');
  const std::string_view rest = end == text.npos ? std::string_view() : text.substr(end + 1);
  const std::size_t middle = rest.find(border);
  std::map<std::string, std::string> members{{"payload/0/weights.bin", "16 bytes of them"}, {"script/linear.txt", "text"}};
  for (const char* name : {"transforms.safetensors", "transforms/0.safetensors", "transforms/1.safetensors"}) {
    members.emplace(name, rest.substr(0, middle));
  }
  if (middle != rest.npos) members.emplace("selftest.safetensors", rest.substr(middle + border.size()));
  try {
    const auto file = ModelFile::make(read_json(text.substr(0, end), "manifest.json"), std::move(members));
    use(read_manifest(*file));
  } catch (const Error&) {
  }
  return 0;
}
