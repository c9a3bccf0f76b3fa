/// What is shown on a terminal: tables, a line of progress, messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ophion/method.h>
#include <ophion/value.h>

namespace ophion::cli {

/// Sends Ophion's messages and what scripts print to stderr (debug messages too when `verbose`); turns Ctrl-C into
/// `ophion::interrupt`, a second one into the end of the program. Long steps beside trainings are shown as a ProgressLine is.
void set_up_terminal(bool verbose);

/// How far a long step is. On a terminal: one line on stderr that is written over; else, as in a batch job's log, a line of its own
/// every half minute.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const Progress& progress);
  void show(const std::string& text);
};

/// Text from a file as a terminal may show it: control characters, with which a file could rewrite what stands above, become \xNN.
/// Line ends and tabs stay.
std::string printable(const std::string& text);

enum class Numbers { left, right };

/// Columns padded to a common width; cells are made printable. Those that begin with a digit or a sign are aligned as `numbers` says.
std::string table(const std::vector<std::vector<std::string>>& rows, Numbers numbers = Numbers::left);

/// "0.8170", or "-" for what is no number.
std::string decimal(const Value* value, int digits);

/// "1,234,567".
std::string with_commas(std::uint64_t number);

}  // namespace ophion::cli
