/// ophion import: from a file that another trainer wrote to a model file.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <ophion/import.h>
#include <ophion/ophion.h>

#include "commands.h"
#include "terminal.h"

namespace ophion::cli {

void add_import(CLI::App& app, Outcome& outcome) {
  struct Arguments {
    std::string file;
    std::string output;
    bool overwrite = false;
    ImportOptions names;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* verb = app.add_subcommand("import", "Make a model file that scores without Python of one that another program wrote");
  verb->add_option("FILE", arguments->file, "XGBoost's .json or .ubj, LightGBM's text, a .skops of scikit-learn, or an ONNX graph")->required();
  verb->add_option("--output", arguments->output, "The .ophion file to write")->required();
  verb->add_option("--features", arguments->names.features, "Columns, in the order of the training: a,b,c")
      ->delimiter(',');
  verb->add_option("--classes", arguments->names.classes, "In the order of the training's numbers: background,signal")
      ->delimiter(',');
  verb->add_option("--targets", arguments->names.targets, "Of a regression")->delimiter(',');
  verb->add_option("--name", arguments->names.name, "The model's name; else the file's");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace an output file that is there already");
  verb->callback([arguments, &outcome] {
    if (!arguments->overwrite && std::filesystem::exists(arguments->output)) {
      throw Error(arguments->output + " is there already; --overwrite replaces it");
    }
    const ImportedModel imported = import_model(arguments->file, arguments->names);
    imported.model.save(arguments->output);
    if (outcome.json) {
      Value result = Value::object();
      result.set("output", arguments->output);
      result.set("origin", imported.origin);
      result.set("checked_against", imported.checked_against);
      std::printf("%s\n", write_json(result).c_str());
      return;
    }
    const std::string check = imported.checked_against.empty()
                                  ? "what gives its scores there is not installed, so they could not be compared"
                                  : "scores as " + imported.checked_against + " does";
    std::printf("%s: %s of %zu features; %s\n", arguments->output.c_str(), imported.origin.c_str(),
                imported.model.features().size(), check.c_str());
  });
}

}  // namespace ophion::cli
