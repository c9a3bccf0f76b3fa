/// ophion evaluate, report: how good models are on other events, and the page that says so.
#include <cstdio>
#include <memory>
#include <optional>

#include <ophion/evaluate.h>
#include <ophion/ophion.h>

#include "commands.h"
#include "ranking.h"
#include "terminal.h"

namespace ophion::cli {
namespace {

struct EvaluateArguments {
  std::vector<std::string> models_and_files;
  std::string data;
  std::vector<std::string> overrides;
  std::string tree, selection, weight;
  std::string output;
  std::vector<std::string> fail_below;
  std::string backend;
  int threads = 0;
};

bool is_model(const std::string& argument) { return argument.ends_with(".ophion"); }

/// "signal=FILE": a sample of that class; "FILE": one of a regression.
SampleConfig sample_from(const std::string& argument, const EvaluateArguments& arguments) {
  SampleConfig sample;
  const auto equals = argument.find('=');
  if (equals != std::string::npos) sample.class_name = argument.substr(0, equals);
  std::string file = equals == std::string::npos ? argument : argument.substr(equals + 1);
  sample.tree = arguments.tree;
  if (const auto colon = file.rfind(':'); colon != std::string::npos && !std::filesystem::exists(file)) {
    sample.tree = file.substr(colon + 1);
    file.resize(colon);
  }
  sample.files = {file};
  sample.selection = arguments.selection;
  sample.weight = arguments.weight;
  return sample;
}

/// "test/auc=0.85": a place in a method's metrics, and the least that is wanted there.
struct Floor {
  std::string text;
  std::string place;
  double least;
};

Floor floor_from(const std::string& text) {
  const auto equals = text.rfind('=');
  Floor floor{text, text.substr(0, equals), 0};
  std::size_t parsed = 0;
  try {
    if (equals != std::string::npos) floor.least = std::stod(text.substr(equals + 1), &parsed);
  } catch (const std::exception&) {
    parsed = 0;
  }
  if (equals == std::string::npos || parsed == 0 || parsed != text.size() - equals - 1) {
    throw CLI::ValidationError("--fail-below", "expected PART/METRIC=NUMBER, such as test/auc=0.85, found '" + text + "'");
  }
  return floor;
}

/// What lies below its floor, a line each. A place where no model has a number is wrong usage.
std::string below(const Value& result, const std::vector<Floor>& floors) {
  std::string text;
  for (const Floor& floor : floors) {
    for (const auto& [name, entry] : result.at("methods").as_object()) {
      const Value* at = entry.at("metrics").find_path(floor.place);
      if (!at || !at->is_number()) throw CLI::ValidationError("--fail-below", name + " has no number at " + floor.place);
      if (!(at->as_number() >= floor.least)) text += name + ": " + decimal(at, 4) + " is below " + floor.text + "\n";
    }
  }
  return text;
}

std::string comparison(const Value& result) {
  const Value* found = result.find("comparison");
  if (!found) return "";
  std::vector<std::vector<std::string>> rows{{"difference", "in " + found->at("metric").as_text(), "p-value"}};
  for (const Value& pair : found->at("pairs").as_array()) {
    rows.push_back({pair.at("a").as_text() + " - " + pair.at("b").as_text(),
                    decimal(&pair.at("difference"), 4) + " ± " + decimal(&pair.at("error"), 4), decimal(&pair.at("p_value"), 3)});
  }
  return "\n" + table(rows, Numbers::right);
}

void evaluate(const EvaluateArguments& arguments, Outcome& outcome) {
  std::vector<std::filesystem::path> models;
  std::vector<SampleConfig> samples;
  for (const std::string& argument : arguments.models_and_files) {
    if (is_model(argument)) models.emplace_back(argument);
    else samples.push_back(sample_from(argument, arguments));
  }
  if (models.empty()) throw CLI::ValidationError("MODEL", "expected one or more .ophion files");
  if (samples.empty() == arguments.data.empty()) {
    throw CLI::ValidationError("FILE", "expected either --data CONFIG or files of events, each as CLASS=FILE (of a regression: FILE)");
  }
  if (arguments.data.empty() && !arguments.overrides.empty()) throw CLI::ValidationError("--set", "changes the config of --data");
  if (!arguments.data.empty() && !(arguments.tree + arguments.selection + arguments.weight).empty()) {
    throw CLI::ValidationError("--tree, --selection, --weight", "are for files; with --data they stand in the config");
  }
  std::vector<Floor> floors;
  for (const std::string& text : arguments.fail_below) floors.push_back(floor_from(text));

  LoadOptions load;
  load.backend = arguments.backend;
  load.call.threads = arguments.threads;
  const Evaluator evaluator(models, load);
  const Value result = arguments.data.empty() ? evaluator.evaluate(samples, arguments.output)
                                              : evaluator.evaluate(with_overrides(Config::from_file(arguments.data), arguments.overrides), arguments.output);
  const std::string failures = below(result, floors);
  if (outcome.json) {
    std::printf("%s\n", write_json(result).c_str());
  } else {
    std::printf("%s%s", ranking(result).c_str(), comparison(result).c_str());
    if (!arguments.output.empty()) std::printf("\nresults: %s\n", arguments.output.c_str());
  }
  if (!failures.empty()) {
    std::fputs(failures.c_str(), stderr);
    outcome.status = failed;
  }
}

}  // namespace

void add_evaluate(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<EvaluateArguments>();
  auto* verb = app.add_subcommand("evaluate", "Measure models on events, and compare several");
  verb->add_option("MODEL", arguments->models_and_files,
                   "Models (.ophion), then files of events, each with its class: signal=FILE, or signal=FILE:TREE; of a regression the file alone")
      ->required();
  verb->add_option("--data", arguments->data, "A config whose data is taken, in its parts, in place of files");
  verb->add_option("--set", arguments->overrides, "KEY=VALUE: change a value of that config, as in evaluation.yield_scale=3");
  verb->add_option("--tree", arguments->tree, "The tree in the files, when they hold several");
  verb->add_option("--selection", arguments->selection, "An expression: an event counts where it is not 0");
  verb->add_option("--weight", arguments->weight, "An expression: an event's weight");
  verb->add_option("--output", arguments->output, "Make this folder, with metrics.json, scores.parquet and report/");
  verb->add_option("--fail-below", arguments->fail_below, "PART/METRIC=NUMBER, as in test/auc=0.85: exit with 1 where a model has less");
  verb->add_option("--backend", arguments->backend, "What scores: python, native or onnx; left out: native where the file has that form");
  verb->add_option("--threads", arguments->threads, "Threads of the models' libraries; 0: as they choose")->check(not_negative);
  verb->callback([arguments, &outcome] { evaluate(*arguments, outcome); });
}

void add_report(CLI::App& app, Outcome& outcome) {
  const auto folder = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("report", "Draw the report of a run, or of an evaluation, again");
  verb->add_option("RUN", *folder, "Its folder")->required();
  verb->callback([folder, &outcome] {
    redraw_report(*folder);
    const std::string page = (std::filesystem::path(*folder) / "report" / "index.html").string();
    if (outcome.json) {
      Value result = Value::object();
      result.set("report", page);
      std::printf("%s\n", write_json(result).c_str());
    } else {
      std::printf("%s\n", page.c_str());
    }
  });
}

}  // namespace ophion::cli
