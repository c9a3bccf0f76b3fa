/// ophion init, validate, train: from files to models.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>

#include <ophion/ophion.h>
#include <ophion/starting_config.h>

#include "commands.h"
#include "ranking.h"
#include "terminal.h"

namespace ophion::cli {
namespace fs = std::filesystem;

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

namespace {

struct TrainArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::optional<std::string> output;
  std::optional<std::string> resume;
};

int train(const TrainArguments& arguments, bool json) {
  Config config = with_overrides(Config::from_file(arguments.config), arguments.overrides);
  const auto refuse_empty = [](const char* option, const std::string& path) {
    if (path.empty()) throw CLI::ValidationError(option, "expected a folder, found an empty text");
  };
  if (arguments.output) {
    refuse_empty("--output", *arguments.output);
    config = config.set("output", write_json(Value(fs::absolute(*arguments.output).string()), 0));
  }
  Session session(config);
  if (arguments.resume) {
    refuse_empty("--resume", *arguments.resume);
    session.resume(*arguments.resume);
  }
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
    std::printf("%s\nbest on validation: %s\nrun folder: %s\n", ranking(run.metrics()).c_str(), run.metrics().at("best").as_text().c_str(),
                run.folder().c_str());
    if (const fs::path page = run.folder() / "report" / "index.html"; fs::exists(page)) std::printf("report: %s\n", page.c_str());
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
  if (!stream) throw Error("cannot write " + output + ": " + std::generic_category().message(errno));
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
