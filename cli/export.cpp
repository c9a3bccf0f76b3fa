/// ophion export: a model in forms that others use, one option and one function a form.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <ophion/ophion.h>

#include "commands.h"

namespace ophion::cli {
namespace {

struct ExportArguments {
  std::string model;
  std::string onnx;
  std::string cpp;
  bool overwrite = false;
};

void demand_free(const std::string& file, bool overwrite) {
  if (!overwrite && std::filesystem::exists(file)) throw Error(file + " is there already; --overwrite replaces it");
}

void write_onnx(const ExportArguments& arguments, Value& written) {
  demand_free(arguments.onnx, arguments.overwrite);
  export_onnx(arguments.model, arguments.onnx);
  written.set("onnx", arguments.onnx);
}

void write_cpp(const ExportArguments& arguments, Value& written) {
  demand_free(arguments.cpp, arguments.overwrite);
  export_cpp(arguments.model, arguments.cpp);
  written.set("cpp", arguments.cpp);
}

}  // namespace

void add_export(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<ExportArguments>();
  auto* verb = app.add_subcommand("export", "Write a model out in a form that others use; runs nothing of it");
  verb->add_option("MODEL", arguments->model, "A .ophion file")->required();
  auto* forms = verb->add_option_group("forms");
  forms->add_option("--onnx", arguments->onnx, "FILE.onnx: one graph from the features to the scores");
  forms->add_option("--cpp", arguments->cpp, "FILE.h: a C++20 header that needs the standard library alone");
  forms->require_option(1, 0);
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that is there already");
  verb->callback([arguments, &outcome] {
    Value written = Value::object();
    if (!arguments->onnx.empty()) write_onnx(*arguments, written);
    if (!arguments->cpp.empty()) write_cpp(*arguments, written);
    if (outcome.json) {
      std::printf("%s\n", write_json(written).c_str());
      return;
    }
    for (const auto& [form, file] : written.as_object()) std::printf("%s: %s\n", form.c_str(), file.as_text().c_str());
  });
}

}  // namespace ophion::cli
