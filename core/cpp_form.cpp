/// From a model file's native form to C++ source that computes the same.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <locale>
#include <sstream>
#include <vector>

#include <ophion/error.h>
#include <ophion/model.h>

#include "cpp_text.h"
#include "cpp_transforms.h"
#include "durable_file.h"
#include "model_file.h"
#include "model_manifest.h"
#include "native_backend.h"
#include "native_form.h"
#include "preprocessing.h"

namespace ophion {
using namespace cpp_text;
namespace {

constexpr std::size_t most_numbers = 1'000'000;  // more than that no compiler takes in good time

/// A name that C++ takes, whatever the model is called: "default" and "3trees" are no names of namespaces.
std::string identifier(const std::string& name) {
  std::string word = "model_";
  for (const char c : name) word += std::isalnum(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 128 ? c : '_';
  return word;
}

/// Names come from a file: none may end the comment it stands in.
std::string in_comment(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\\' || static_cast<unsigned char>(c) < ' '; }, '?');
  return text;
}

// --- the model ---------------------------------------------------------------------------------------------------------------------

const char* link_statements(native::Link link) {
  switch (link) {
    case native::Link::identity: return "";
    case native::Link::logistic: return "  for (double& s : sums) s = 1 / (1 + std::exp(-s));\n";
    case native::Link::exponential: return "  for (double& s : sums) s = std::exp(s);\n";
    case native::Link::softmax:
      return "  double most = sums[0], total = 0;\n"
             "  for (const double s : sums) most = s > most ? s : most;\n"
             "  for (double& s : sums) total += s = std::exp(s - most);\n"
             "  for (double& s : sums) s /= total;\n";
    case native::Link::one_against_rest:
      return "  double total = 0;\n"
             "  for (double& s : sums) total += s = 1 / (1 + std::exp(-s));\n"
             "  for (double& s : sums) s /= total;\n";
  }
  return "";
}

/// What the model itself adds: declarations in `detail`, and statements from `x`, features in float, to `sums`, outputs in double.
struct Body {
  std::string declarations;
  std::string statements;
};

constexpr const char* category_function = R"(
// The category is the number truncated towards zero.
inline bool is_left_category(int node, float number) {
  const int set = category_set[node];
  const int words = set_first[set + 1] - set_first[set];
  if (!(number > -1.0f && number < static_cast<float>(words) * 32.0f)) return other_left[node] != 0;
  const int category = static_cast<int>(number);
  return ((static_cast<unsigned>(set_words[set_first[set] + category / 32]) >> (category % 32)) & 1u) != 0;
}
)";

/// How the header joins its trees, as native::Forest does: `begin` before them, `add` the leaf of one, `end` behind them.
struct JoinText {
  std::string begin, add, end;
};

JoinText join_text(const native::ForestArrays& forest) {
  JoinText text;
  text.begin = "  double sums[outputs] = {};\n";
  if (forest.join == native::Join::weighted_median) {
    const std::string trees = std::to_string(forest.roots.size());
    text.begin += "  float number_of[" + trees + "];  // of each tree; sorted, and its weights with it\n  double weight_of[" + trees + "];\n";
    text.add =
        "    const float value = static_cast<float>(detail::values[detail::left[node]]);\n"
        "    std::size_t place = tree;\n"
        "    for (; place > 0 && number_of[place - 1] > value; --place) {\n"
        "      number_of[place] = number_of[place - 1];\n"
        "      weight_of[place] = weight_of[place - 1];\n"
        "    }\n"
        "    number_of[place] = value;\n"
        "    weight_of[place] = detail::tree_weight[tree];\n";
    text.end =
        "  double total = 0;\n"
        "  for (const double weight : weight_of) total += weight;\n"
        "  std::size_t median = 0;\n"
        "  for (double sum = weight_of[0]; sum < 0.5 * total; sum += weight_of[++median]) {}\n"
        "  sums[0] = static_cast<double>(number_of[median]);\n";
  } else if (forest.tree_output.empty()) {
    text.add =
        "    for (std::size_t i = 0; i < outputs; ++i) sums[i] += detail::values[static_cast<std::size_t>(detail::left[node]) * outputs + i];\n";
  } else {
    text.add = "    sums[detail::tree_output[tree]] += detail::values[detail::left[node]];\n";
  }
  return text;
}

Body body_of(const native::ForestArrays& forest) {
  native::check_forest(forest);  // whatever can't be scored is not written either
  Body body;
  body.declarations += array("roots", forest.roots) + array("feature", forest.feature) + array("threshold", forest.threshold) +
                       array("left", forest.left) + array("right", forest.right) + array("values", forest.values) +
                       array("base", forest.base);
  const bool takes_missing = !forest.missing_left.empty();
  if (takes_missing) body.declarations += array("missing_left", forest.missing_left);
  if (!forest.tree_output.empty()) body.declarations += array("tree_output", forest.tree_output);
  if (!forest.tree_weight.empty()) body.declarations += array("tree_weight", forest.tree_weight);
  const JoinText join = join_text(forest);
  body.statements += join.begin;
  if (!takes_missing) {
    body.statements +=
        "  for (const float number : x) {\n"
        "    if (number != number) return refuse(out);  // the trees were not trained to take missing values\n"
        "  }\n";
  }
  body.statements += "  for (std::size_t tree = 0; tree < " + std::to_string(forest.roots.size()) + "; ++tree) {\n" +
                     "    int node = detail::roots[tree];\n"
                     "    while (detail::feature[node] >= 0) {\n"
                     "      const float number = x[detail::feature[node]];\n";
  const std::string plain = "number <= detail::threshold[node]";
  std::string left = takes_missing ? "number != number ? detail::missing_left[node] != 0 : " + plain : plain;
  if (!forest.category_set.empty()) {
    body.declarations += array("category_set", forest.category_set) + array("set_first", forest.set_first) +
                         array("set_words", forest.set_words) + array("other_left", forest.other_left) + category_function;
    left = "number == number && detail::category_set[node] >= 0 ? detail::is_left_category(node, number) : " + left;
  }
  body.statements += "      const bool left = " + left + ";\n";
  body.statements += "      node = left ? detail::left[node] : detail::right[node];\n    }\n";
  body.statements += join.add + "  }\n" + join.end + "  for (std::size_t i = 0; i < outputs; ++i) sums[i] = detail::base[i] + " + number(forest.scale) + " * sums[i];\n";
  body.statements += link_statements(forest.link);
  return body;
}

/// What an activation does to each number v; softmax is apart. Formulas are PyTorch's (torch.nn, "Non-linear Activations").
std::string activation_text(const native::NetworkStep& step) {
  using native::Activation;
  const std::string parameter = number(static_cast<float>(step.parameter));
  switch (step.activation) {
    case Activation::relu: return "v < 0 ? 0.0f : v";
    case Activation::leaky_relu: return "v < 0 ? v * " + parameter + " : v";
    case Activation::elu: return "v < 0 ? " + parameter + " * std::expm1(v) : v";
    case Activation::selu: return "1.0507009873554805f * (v < 0 ? 1.6732632423543772f * std::expm1(v) : v)";
    case Activation::gelu: return "0.5f * v * (1 + std::erf(v * 0.70710678f))";
    case Activation::gelu_tanh: return "0.5f * v * (1 + std::tanh(0.79788456f * (v + 0.044715f * v * v * v)))";
    case Activation::silu: return "v / (1 + std::exp(-v))";
    case Activation::tanh: return "std::tanh(v)";
    case Activation::sigmoid: return "1 / (1 + std::exp(-v))";
    case Activation::softplus:
      return "v * " + parameter + " > 20 ? v : std::log1p(std::exp(v * " + parameter + ")) / " + parameter;
    case Activation::softmax: break;
  }
  return "";
}

Body body_of(const NetworkForm& network, const Spec& spec) {
  const native::Network checked(network.steps, spec.features.size(), network.link);
  if (checked.outputs() != spec.outputs()) throw ModelError("the network gives another number of scores than the model has");
  Body body;
  std::size_t width = spec.features.size();
  std::string now = "x";
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    const native::NetworkStep& step = network.steps[i];
    const std::string result = "r" + std::to_string(i), before = std::to_string(width);
    if (step.kind == native::NetworkStep::Kind::dense) width = step.outputs;
    const std::string count = std::to_string(width);
    const std::string each = "  for (std::size_t i = 0; i < " + count + "; ++i) ";
    body.statements += "  float " + result + "[" + count + "];\n";
    if (step.kind == native::NetworkStep::Kind::dense) {
      const std::string weight = "w" + std::to_string(i), bias = "b" + std::to_string(i);
      body.declarations += array(weight, step.weights) + array(bias, step.bias);
      body.statements += each + "{\n    float sum = detail::" + bias + "[i];\n    for (std::size_t k = 0; k < " + before +
                         "; ++k) sum += detail::" + weight + "[i * " + before + " + k] * " + now + "[k];\n    " + result + "[i] = sum;\n  }\n";
    } else if (step.kind == native::NetworkStep::Kind::add) {
      const std::string other = step.from < 0 ? "x" : "r" + std::to_string(step.from);
      body.statements += each + result + "[i] = " + now + "[i] + " + other + "[i];\n";
    } else if (step.activation == native::Activation::softmax) {
      const std::string most = "most" + std::to_string(i), total = "total" + std::to_string(i);
      body.statements += "  float " + most + " = " + now + "[0], " + total + " = 0;\n" + each + "if (" + now + "[i] > " + most + ") " + most +
                         " = " + now + "[i];\n" + each + total + " += " + result + "[i] = std::exp(" + now + "[i] - " + most + ");\n" + each +
                         result + "[i] /= " + total + ";\n";
    } else {
      body.statements += each + "{\n    const float v = " + now + "[i];\n    " + result + "[i] = " + activation_text(step) + ";\n  }\n";
    }
    now = result;
  }
  body.statements += "  double sums[outputs];\n  for (std::size_t i = 0; i < outputs; ++i) sums[i] = static_cast<double>(" + now + "[i]);\n";
  body.statements += link_statements(network.link);
  return body;
}

std::size_t numbers_in(const native::ForestArrays& forest) { return forest.feature.size() + forest.values.size(); }
std::size_t numbers_in(const NetworkForm& network) {
  std::size_t count = 0;
  for (const native::NetworkStep& step : network.steps) count += step.weights.size();
  return count;
}

/// Whose functions compute features: the header starts from their numbers.
std::string plugins_in_words(const Value& manifest) {
  const Value* const plugins = manifest.find("plugins");
  std::string text;
  for (const Value& plugin : plugins ? plugins->as_array() : Value::Array()) {
    text += "/// Of the plug-in of features " + in_comment(plugin.at("name").as_text() + " " + plugin.at("version").as_text()) + " are";
    for (const Value& function : plugin.at("functions").as_array()) text += " " + in_comment(function.at("name").as_text());
    text += "; they are not part of this header.\n";
  }
  return text;
}

std::string header_of(const ModelFile& file) {
  const ModelDescription model = read_manifest(file);
  if (model.folds.count > 0) throw ModelError("is a model of " + std::to_string(model.folds.count) + " folds, of which no C++ source is made");
  const auto payload = std::find_if(model.payloads.begin(), model.payloads.end(), [](const auto& one) { return one.backend == native_name; });
  if (payload == model.payloads.end()) {
    const Value* const why = file.manifest().at("payloads").as_array().front().find("not_native");
    throw ModelError("has no native form, of which C++ source could be made" + (why ? ": " + why->as_text() : ""));
  }
  const Preprocessing& preprocessing = model.preprocessing.front();
  const Spec method_spec = after_transforms(model.spec, preprocessing);
  const NativeForm form = read_native_form(payload_from(file, *payload), method_spec);
  if (const std::size_t count = std::visit([](const auto& of) { return numbers_in(of); }, form); count > most_numbers) {
    throw ModelError("has " + std::to_string(count) + " nodes and weights; a header of more than " + std::to_string(most_numbers) +
                     " would take a compiler too long");
  }
  const Body body = std::holds_alternative<native::ForestArrays>(form) ? body_of(std::get<native::ForestArrays>(form))
                                                                       : body_of(std::get<NetworkForm>(form), method_spec);
  const CppPreparation preparation = cpp_preparation(preprocessing.chain());
  const std::vector<std::string> outputs = output_names_of(model.spec);
  const MissingPolicy missing = preprocessing.missing();
  const bool refuses = missing == MissingPolicy::error || missing == MissingPolicy::drop;

  const std::string name_space = identifier(file.manifest().at("name").as_text());
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << "/// " << in_comment(file.manifest().at("name").as_text()) << ", a model as C++: written by Ophion " << OPHION_VERSION << " from a model file made "
       << in_comment(file.manifest().at("created").as_text()) << ".\n/// Needs the standard library alone. An event is " << model.spec.features.size()
       << " numbers in this order:\n";
  for (std::size_t i = 0; i < model.features.size(); ++i) {
    text << "///   event[" << i << "]  " << in_comment(model.features[i].name);
    const auto& expression = model.features[i].expression;
    if (expression.plain_column().empty()) {
      text << "  (computed from";
      for (const native::Input& input : expression.inputs()) text << " " << in_comment(input.column);
      for (const native::Function& function : expression.functions()) text << ", by " << in_comment(function.name);
      text << ")";
    }
    text << "\n";
  }
  text << plugins_in_words(file.manifest());
  text << "/// It gives";
  for (const std::string& output : outputs) text << " " << in_comment(output);
  text << (refuses ? "; NaN where a number is missing (NaN or infinite).\n" : ".\n");
  text << "#pragma once\n\n#include <cmath>\n#include <cstddef>\n#include <limits>\n\nnamespace " << name_space << " {\n\ninline constexpr std::size_t features = " << model.spec.features.size()
       << ";\ninline constexpr std::size_t outputs = " << outputs.size() << ";\n\nnamespace detail {\n"
       << preparation.declarations << body.declarations << "}  // namespace detail\n\n"
       << "inline void refuse(float* out) {\n  for (std::size_t i = 0; i < outputs; ++i) out[i] = std::numeric_limits<float>::quiet_NaN();\n}\n\n"
       << "/// Scores one event; `out` gets `outputs` numbers.\ninline void score(const float* event, float* out) {\n";
  if (refuses) {
    text << "  for (std::size_t i = 0; i < features; ++i) {\n    if (!std::isfinite(event[i])) return refuse(out);\n  }\n";
  }
  if (preparation.statements.empty()) {
    text << "  float x[features];\n  for (std::size_t i = 0; i < features; ++i) x[i] = event[i];\n";
  } else {
    const std::string width = std::to_string(preparation.width);
    text << "  double p0[features];\n  for (std::size_t i = 0; i < features; ++i) p0[i] = static_cast<double>(event[i]);\n"
         << preparation.statements << "  float x[" << width << "];\n"
         << loop(preparation.width, "x[i] = static_cast<float>(" + preparation.result + "[i]);");
    if (refuses && preprocessing.chain().partial()) {
      text << "  for (const float number : x) {\n    if (!std::isfinite(number)) return refuse(out);\n  }\n";
    }
  }
  text << body.statements << "  for (std::size_t i = 0; i < outputs; ++i) out[i] = static_cast<float>(sums[i]);\n}\n";
  if (outputs.size() == 1) {
    text << "\n/// Scores one event.\ninline float score(const float* event) {\n  float out;\n  score(event, &out);\n  return out;\n}\n";
  }
  text << "\n}  // namespace " << name_space << "\n";
  return text.str();
}

}  // namespace

void export_cpp(const std::filesystem::path& model, const std::filesystem::path& file) {
  const auto from = ModelFile::read(model);
  std::string text;
  try {
    text = header_of(*from);
  } catch (const ModelError& problem) {
    const std::string what = problem.what();
    throw ModelError(what.starts_with(from->origin()) ? what : from->origin() + ": " + what);
  } catch (const std::invalid_argument& problem) {  // an engine's word
    throw ModelError(from->origin() + ": " + problem.what());
  }
  write_atomically(file, text);
}

}  // namespace ophion
