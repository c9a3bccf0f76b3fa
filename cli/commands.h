/// The verbs of the ophion program. Each adds itself to the parser and runs when it was named.
#pragma once

#include <charconv>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <ophion/config.h>

namespace ophion::cli {

/// Exit statuses: 0 done, these otherwise.
enum Exit : int { done = 0, failed = 1, usage = 2, was_interrupted = 130 };

/// KEY=VALUE of --set.
Config with_overrides(Config config, const std::vector<std::string>& overrides);

/// Numbers from 0. (CLI11's own check names the largest double, 309 digits, in its error.)
inline std::string not_negative(const std::string& text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() && number >= 0 ? "" : "expected a number from 0 on, found '" + text + "'";
}

/// What every verb knows: where `--json` puts things, what it exits with.
struct Outcome {
  bool json = false;
  int status = done;
};

void add_init(CLI::App& app, Outcome& outcome);
void add_validate(CLI::App& app, Outcome& outcome);
void add_train(CLI::App& app, Outcome& outcome);
void add_evaluate(CLI::App& app, Outcome& outcome);
void add_report(CLI::App& app, Outcome& outcome);
void add_predict(CLI::App& app, Outcome& outcome);
void add_export(CLI::App& app, Outcome& outcome);
void add_import(CLI::App& app, Outcome& outcome);
void add_inspect(CLI::App& app, Outcome& outcome);
void add_trust(CLI::App& app, Outcome& outcome);
void add_methods(CLI::App& app, Outcome& outcome);
void add_doctor(CLI::App& app, Outcome& outcome);

}  // namespace ophion::cli
