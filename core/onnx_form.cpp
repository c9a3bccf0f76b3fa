/// From the graph that a method exported to one that takes the features as they are.
#include "onnx_form.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <ophion/error.h>

#include "durable_file.h"
#include "model_file.h"
#include "model_manifest.h"

namespace ophion {
namespace {

Value describe(const Preprocessing& preprocessing, const Model& own) {
  Value transforms = Value::array();
  for (const native::TransformStep& step : preprocessing.chain().steps()) {
    Value settings = Value::object();
    for (const auto& [key, setting] : step.settings) settings.set(key, setting);
    Value described = Value::object();
    described.set("type", step.type);
    described.set("settings", std::move(settings));
    transforms.push_back(std::move(described));
  }
  Value arguments = Value::object();
  arguments.set("features", Value(own.features()));
  arguments.set("outputs", Value(own.output_names()));
  arguments.set("missing", name_of(preprocessing.missing()));
  arguments.set("transforms", std::move(transforms));
  return arguments;
}

}  // namespace

std::string make_onnx_form(const Registry& registry, const Preprocessing& preprocessing, const std::string& graph, const Model& own) {
  Columns data{Column("graph", std::span(reinterpret_cast<const std::uint8_t*>(graph.data()), graph.size()))};
  const auto& steps = preprocessing.chain().steps();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const auto& [name, numbers] : steps[i].arrays) data.emplace_back(std::to_string(i) + "." + name, std::span(numbers));
  }
  const auto job = registry.tool("onnx_form")->start(describe(preprocessing, own));
  const ToolResult made = job->run(Value::object(), data);
  const Column& bytes = made.data.at(0);
  std::string whole(static_cast<const char*>(bytes.data), bytes.rows);
  job->finish();
  return whole;
}

void export_onnx(const std::filesystem::path& model, const std::filesystem::path& file) {
  const auto archive = ModelFile::read(model);
  std::string reason = "its config did not ask for one (\"export\": [\"onnx\"])";
  if (const ModelDescription described = read_manifest(*archive); described.folds.count > 0) {
    throw ModelError(archive->origin() + ": is a model of " + std::to_string(described.folds.count) +
                     " folds, each with a graph of its own: there is no one graph of it");
  }
  for (const Value& payload : archive->manifest().at("payloads").as_array()) {
    if (payload.at("id").as_text() == onnx_name) {
      write_atomically(file, archive->member(member_name(onnx_name, onnx_member)));
      return;
    }
    if (const Value* why = payload.find("not_onnx")) reason = why->as_text();
  }
  throw ModelError(archive->origin() + ": has no ONNX form: " + reason);
}

}  // namespace ophion
