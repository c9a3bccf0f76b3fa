/// What is shown on a terminal: tables, a line of progress, messages.
#include "terminal.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <ophion/runtime.h>

namespace ophion::cli {
namespace {

std::mutex line_mutex;  // guards line_shown and the order of what goes to stderr
bool line_shown = false;
std::chrono::steady_clock::time_point last_line = std::chrono::steady_clock::now();  // where stderr is no terminal
constexpr std::chrono::seconds between_lines{30};

void wipe_line() {
  if (line_shown) std::fputs("\r\033[K", stderr);
  line_shown = false;
}

void show_line(const std::string& text) {
  const std::lock_guard lock(line_mutex);
  if (isatty(STDERR_FILENO) != 0) {
    wipe_line();
    std::fputs(text.c_str(), stderr);
    line_shown = true;
  } else if (const auto now = std::chrono::steady_clock::now(); now - last_line >= between_lines) {
    last_line = now;
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
}

/// "/20 [=====     ]".
std::string bar(std::uint64_t done, std::uint64_t total) {
  constexpr std::uint64_t width = 20;
  const auto filled = static_cast<std::size_t>(std::min(done, total) * width / total);
  return "/" + with_commas(total) + " [" + std::string(filled, '=') + std::string(width - filled, ' ') + "]";
}

void show_step(const StepProgress& now) {
  if (now.total > 0 && now.done >= now.total) {
    const std::lock_guard lock(line_mutex);
    wipe_line();
    return;
  }
  show_line(printable(now.step) + "  " + with_commas(now.done) + (now.total > 0 ? bar(now.done, now.total) : "") + " " + printable(now.unit));
}

/// The first Ctrl-C asks the training to stop and keep its best; the second one does what Ctrl-C does everywhere.
extern "C" void on_interrupt(int signal_number) {
  interrupt();
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal_number, &standard, nullptr);
}

/// Places that UTF-8 text takes on a terminal: one a character, however many bytes it has.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

/// https://no-color.org: an empty NO_COLOR refuses nothing.
bool colours_wanted() {
  const char* refused = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) != 0 && (!refused || *refused == '\0');
}

}  // namespace

void set_up_terminal(bool verbose) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);

  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(colours_wanted() ? spdlog::color_mode::always
                                                                                          : spdlog::color_mode::never);
  const auto logger = std::make_shared<spdlog::logger>("ophion", sink);
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  logger->set_pattern("%^%v%$");
  RuntimeOptions options = runtime_options();
  options.log_sink = [logger](LogLevel level, std::string_view line) {
    const std::lock_guard lock(line_mutex);
    wipe_line();
    switch (level) {
      case LogLevel::debug: logger->debug(line); break;
      case LogLevel::info: logger->info(line); break;
      case LogLevel::warning: logger->warn("warning: {}", line); break;
      case LogLevel::error: logger->error("error: {}", line); break;
      case LogLevel::script_output:
      case LogLevel::script_error: logger->info("| {}", line); break;
    }
  };
  options.progress_sink = show_step;
  configure(options);
}

ProgressLine::ProgressLine() = default;

ProgressLine::~ProgressLine() {
  const std::lock_guard lock(line_mutex);
  wipe_line();
}

void ProgressLine::show(const Progress& progress) {
  const std::string fold = progress.folds > 0 ? "  fold " + std::to_string(progress.fold) + "/" + std::to_string(progress.folds) : "";
  std::string text = progress.method + fold + "  epoch " + std::to_string(progress.epoch);
  if (progress.epochs > 0) {
    text += bar(static_cast<std::uint64_t>(std::max<std::int64_t>(progress.epoch, 0)), static_cast<std::uint64_t>(progress.epochs));
  }
  for (const auto& [name, value] : progress.metrics) {
    std::array<char, 64> number{};
    std::snprintf(number.data(), number.size(), "%.4g", value);
    text += "  " + name + " " + number.data();
  }
  show(text);
}

void ProgressLine::show(const std::string& text) { show_line(text); }

std::string printable(const std::string& text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // In UTF-8 the control characters beyond ASCII are 0xC2 0x80 to 0xC2 0x9F.
    const bool long_control = i > 0 && static_cast<unsigned char>(text[i - 1]) == 0xC2 && byte >= 0x80 && byte < 0xA0;
    if ((byte >= ' ' && byte != 0x7f && !long_control) || byte == '\n' || byte == '\t') {
      shown += text[i];
      continue;
    }
    if (long_control) shown.pop_back();
    shown += std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
  }
  return shown;
}

std::string table(const std::vector<std::vector<std::string>>& given, Numbers numbers) {
  std::vector<std::vector<std::string>> rows = given;
  for (auto& row : rows) {
    for (std::string& cell : row) cell = printable(cell);
  }
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool number = !row[i].empty() && (std::isdigit(static_cast<unsigned char>(row[i].front())) || row[i].front() == '-');
      line += (i == 0 ? "" : "  ") + (number && numbers == Numbers::right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string decimal(const Value* value, int digits) {
  if (!value || !value->is_number()) return "-";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value->as_number());
  return text.data();
}

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace ophion::cli
