/// The ophion program: reads the command line, runs one verb, turns errors into exit statuses.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include <ophion/error.h>

#include "commands.h"
#include "terminal.h"

namespace {

/// Errors of Ophion as people see them: the text on stderr, the kind as exit status.
int report(const ophion::Error& error) {
  std::fprintf(stderr, "ophion: %s\n", ophion::cli::printable(error.what()).c_str());
  switch (error.code()) {
    case ophion::ErrorCode::config: return ophion::cli::usage;
    case ophion::ErrorCode::interrupted: return ophion::cli::was_interrupted;
    default: return ophion::cli::failed;
  }
}

/// What was printed has arrived: where a disk is full, half of it must not pass for all of it.
int after_writing(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  std::fprintf(stderr, "ophion: cannot write to stdout: %s\n", std::strerror(errno));
  return ophion::cli::failed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Train, keep and use Python's machine-learning models.", "ophion"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "ophion " OPHION_VERSION);
  bool verbose = false;
  ophion::cli::Outcome outcome;
  app.add_flag("--verbose", verbose, "Show debug messages too");
  app.add_flag("--json", outcome.json, "Results as JSON on stdout");
  app.fallthrough();
  app.parse_complete_callback([&] { ophion::cli::set_up_terminal(verbose); });
  ophion::cli::add_init(app, outcome);
  ophion::cli::add_validate(app, outcome);
  ophion::cli::add_train(app, outcome);
  ophion::cli::add_predict(app, outcome);
  ophion::cli::add_evaluate(app, outcome);
  ophion::cli::add_report(app, outcome);
  ophion::cli::add_export(app, outcome);
  ophion::cli::add_import(app, outcome);
  ophion::cli::add_inspect(app, outcome);
  ophion::cli::add_trust(app, outcome);
  ophion::cli::add_methods(app, outcome);
  ophion::cli::add_doctor(app, outcome);
  try {
    app.parse(argc, argv);
    return after_writing(outcome.status);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? after_writing(ophion::cli::done) : ophion::cli::usage;
  } catch (const ophion::Error& error) {
    return report(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ophion: %s\n", error.what());
    return ophion::cli::failed;
  }
}
