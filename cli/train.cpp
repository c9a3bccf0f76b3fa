/// ophion init, validate, train: from files to models.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <ophion/ophion.h>
#include <ophion/starting_config.h>

#include "commands.h"
#include "terminal.h"

namespace ophion::cli {
namespace fs = std::filesystem;
namespace {

/// KEY=VALUE of --set.
Config with_overrides(Config config, const std::vector<std::string>& overrides) {
  for (const auto& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--set", "expected KEY=VALUE, found '" + text + "'");
    }
    config = config.set(text.substr(0, equals), text.substr(equals + 1));
  }
  return config;
}

const Value* find(const Value& value, std::initializer_list<const char*> path) {
  const Value* at = &value;
  for (const char* key : path) {
    at = at->find(key);
    if (!at) return nullptr;
  }
  return at;
}

/// "0.412 (0.425)": test, and train in brackets, as TMVA prints it.
std::string test_and_train(const Value& metrics, const char* background) {
  return decimal(find(metrics, {"test", "efficiency", background, "value"}), 3) + " (" +
         decimal(find(metrics, {"train", "efficiency", background, "value"}), 3) + ")";
}

std::string with_error(const Value& metrics, const char* part, const char* metric, const char* error) {
  const std::string value = decimal(find(metrics, {part, metric}), 4);
  return value == "-" ? value : value + " ± " + decimal(find(metrics, {part, error}), 4);
}

/// Best first, by the primary metric of the test part; methods without a model at the end.
std::vector<const MethodResult*> ranked(const TrainedRun& run) {
  std::vector<const MethodResult*> order;
  for (const auto& method : run.methods()) order.push_back(&method);
  const auto value = [](const MethodResult* method) {
    const Value* name = find(method->metrics, {"test", "primary", "name"});
    const Value* number = name ? find(method->metrics, {"test", name->as_text().c_str()}) : nullptr;
    if (!number || !number->is_number()) return -1e300;
    return number->as_number() * (find(method->metrics, {"test", "primary", "higher_is_better"})->as_boolean() ? 1 : -1);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return value(a) > value(b); });
  return order;
}

std::string ranking(const TrainedRun& run) {
  const bool regression = run.metrics().at("task").as_text() == "regression";
  const bool two_classes = run.metrics().at("classes").size() == 2;
  std::vector<std::vector<std::string>> rows;
  if (regression) {
    rows.push_back({"rank", "method", "RMSE test", "train", "MAE test", "R2 test"});
  } else if (two_classes) {
    rows.push_back({"rank", "method", "AUC test", "AUC train", "efficiency at 1 %", "at 10 %", "at 30 % background"});
  } else {
    rows.push_back({"rank", "method", "mean AUC test", "AUC train", "accuracy test"});
  }
  int rank = 0;
  std::string failures;
  for (const MethodResult* method : ranked(run)) {
    if (!method->model) {
      const std::string why = method->error.substr(0, method->error.find('\n'));  // the log holds a script's whole traceback
      failures += method->name + ": " + method->status + (why.empty() ? "" : ": " + why) + "\n";
      continue;
    }
    std::vector<std::string> row{std::to_string(++rank), method->name};
    const Value& m = method->metrics;
    if (regression) {
      for (const auto& path : {std::pair{"test", "rmse"}, std::pair{"train", "rmse"}, std::pair{"test", "mae"}, std::pair{"test", "r2"}}) {
        row.push_back(decimal(find(m, {path.first, path.second}), 4));
      }
    } else {
      row.push_back(with_error(m, "test", "auc", "auc_error"));
      row.push_back(with_error(m, "train", "auc", "auc_error"));
      if (two_classes) {
        for (const char* background : {"0.01", "0.1", "0.3"}) row.push_back(test_and_train(m, background));
      } else {
        row.push_back(decimal(find(m, {"test", "accuracy"}), 4));
      }
    }
    rows.push_back(std::move(row));
  }
  std::string text = table(rows, Numbers::right);
  if (two_classes && !regression) text += "signal efficiency on test (train) events\n";
  return text + failures;
}

struct TrainArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string output;
  std::string resume;
};

int train(const TrainArguments& arguments, bool json) {
  Config config = with_overrides(Config::from_file(arguments.config), arguments.overrides);
  if (!arguments.output.empty()) {
    config = config.set("output", write_json(Value(fs::absolute(arguments.output).string()), 0));
  }
  Session session(config);
  if (!arguments.resume.empty()) session.resume(arguments.resume);
  ProgressLine line;
  const TrainedRun run = session.train([&line](const Progress& progress) {
    line.show(progress);
    return progress.keep_going();
  });
  if (json) {
    Value result = run.metrics();
    result.set("folder", run.folder().string());
    std::printf("%s\n", write_json(result).c_str());
  } else {
    std::printf("%s\nbest on validation: %s\nrun folder: %s\n", ranking(run).c_str(), run.metrics().at("best").as_text().c_str(),
                run.folder().c_str());
  }
  return run.stopped() ? was_interrupted : done;
}

int init(const std::vector<std::string>& files, const std::string& output) {
  const fs::path file = output;
  const std::string text = starting_config(files, output.empty() ? fs::path(".") : fs::absolute(file).parent_path());
  if (output.empty()) {
    std::fputs(text.c_str(), stdout);
    return done;
  }
  if (fs::exists(file)) throw Error(output + " is there already; nothing was written");
  std::ofstream stream(file);
  stream << text << std::flush;
  if (!stream) throw Error("cannot write " + output);
  return done;
}

}  // namespace

void add_init(CLI::App& app, Outcome& outcome) {
  struct Arguments {
    std::vector<std::string> files;
    std::string output;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* verb = app.add_subcommand("init", "Print a starting config for these files, with their columns");
  verb->add_option("FILE", arguments->files, "Data files")->required();
  verb->add_option("--output", arguments->output, "Write the config to this file instead");
  verb->callback([arguments, &outcome] { outcome.status = init(arguments->files, arguments->output); });
}

void add_validate(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<TrainArguments>();
  auto* verb = app.add_subcommand("validate", "Check a config: keys, expressions, plug-ins, scripts, estimators, columns of the files");
  verb->add_option("CONFIG", arguments->config, "The JSON file")->required();
  verb->add_option("--set", arguments->overrides, "KEY=VALUE: change a value, as in methods.0.training.epochs=5");
  verb->callback([arguments, &outcome] {
    const Config config = with_overrides(Config::from_file(arguments->config), arguments->overrides);
    const Session session(config);
    session.check();
    session.check_files();
    if (outcome.json) {
      std::printf("%s\n", write_json(config.resolved()).c_str());
    } else {
      std::printf("%s: a valid config of %zu method%s\n", arguments->config.c_str(), config.methods().size(),
                  config.methods().size() == 1 ? "" : "s");
    }
  });
}

void add_train(CLI::App& app, Outcome& outcome) {
  const auto arguments = std::make_shared<TrainArguments>();
  auto* verb = app.add_subcommand("train", "Train every method of a config and write a run folder");
  verb->add_option("CONFIG", arguments->config, "The JSON file")->required();
  verb->add_option("--set", arguments->overrides, "KEY=VALUE: change a value, as in methods.0.training.epochs=5");
  verb->add_option("--output", arguments->output, "The folder of all runs, in place of the config's");
  verb->add_option("--resume", arguments->resume, "Go on in this run folder, when the config is the same");
  verb->callback([arguments, &outcome] { outcome.status = train(*arguments, outcome.json); });
}

}  // namespace ophion::cli
