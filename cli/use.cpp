/// ophion predict: from a model and files to scores.
#include <cstdio>
#include <memory>

#include <ophion/ophion.h>
#include <ophion/predict.h>

#include "commands.h"
#include "terminal.h"

namespace ophion::cli {

void add_predict(CLI::App& app, Outcome& outcome) {
  struct Arguments {
    std::string model;
    std::vector<std::string> files;
    std::string output;
    std::string tree;
    bool overwrite = false;
    std::string backend;
    int threads = 0;
    double time_limit = 0;
    std::string isolation = "none";
    std::size_t memory_limit = 0;
    bool drop_rights = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* verb = app.add_subcommand("predict", "Score the events of files, in chunks: they may be larger than memory");
  verb->add_option("MODEL", arguments->model, "A .ophion file")->required();
  verb->add_option("FILE", arguments->files, "Data files")->required();
  verb->add_option("--output", arguments->output, "FILE.parquet, FILE.root or FILE.csv")->required();
  verb->add_option("--tree", arguments->tree, "The tree in the data files, when they hold several");
  verb->add_option("--backend", arguments->backend,
                   "What scores: python (as trained), or, where the file has that form, native (the default then) or onnx (without Python)");
  verb->add_option("--threads", arguments->threads, "Threads of the model's libraries; 0: as they choose")->check(not_negative);
  verb->add_option("--time-limit", arguments->time_limit,
                   "Seconds that loading the model, scoring one chunk of events, and in a process of its own reading one, may take; 0: as long as it takes")
      ->check(not_negative);
  verb->add_option("--isolation", arguments->isolation, "none, or process: the model and the readers of the files run in processes of their own")
      ->check(CLI::IsMember({"none", "process"}));
  verb->add_option("--memory-limit", arguments->memory_limit, "Bytes of private memory for each of these processes; 0: as many as there are");
  verb->add_flag("--drop-rights", arguments->drop_rights, "These processes have no network, start no process and write no file");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace an output file that is there already");
  verb->callback([arguments, &outcome] {
    const bool isolated = arguments->isolation == "process";
    if (!isolated && (arguments->drop_rights || arguments->memory_limit != 0)) {
      throw CLI::ValidationError(arguments->drop_rights ? "--drop-rights" : "--memory-limit", "needs --isolation process");
    }
    LoadOptions load;
    load.backend = arguments->backend;
    load.call.threads = arguments->threads;
    load.call.time_limit = arguments->time_limit;
    if (isolated) load.isolation = Isolation::process;
    load.memory_limit = arguments->memory_limit;
    load.drop_rights = arguments->drop_rights;
    const Model model = Model::load(arguments->model, load);
    ProgressLine line;
    PredictOptions options;
    options.tree = arguments->tree;
    options.overwrite = arguments->overwrite;
    options.isolation = load.isolation;
    if (isolated) options.time_limit = arguments->time_limit;
    options.memory_limit = arguments->memory_limit;
    options.drop_rights = arguments->drop_rights;
    options.progress = [&line](std::uint64_t events) {
      line.show(with_commas(events) + " events");
      return !interrupted();
    };
    const std::uint64_t events = predict_files(model, arguments->files, arguments->output, options);
    if (outcome.json) {
      Value result = Value::object();
      result.set("events", events);
      result.set("output", arguments->output);
      std::printf("%s\n", write_json(result).c_str());
    } else {
      std::printf("%s: scores of %s events\n", arguments->output.c_str(), with_commas(events).c_str());
    }
  });
}

}  // namespace ophion::cli
