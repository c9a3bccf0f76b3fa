/// An event loop that needs no Python, neither to build nor to run: events come as lines of CSV, their scores go out as lines. It
/// links nothing but ophion::core (configure with -DOPHION_BUILD_PYTHON=OFF where there is no Python) and demands a native model.
///   event_loop MODEL.ophion <events.csv >scores.csv
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <ophion/ophion.h>

namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

float number_from(const std::string& cell, std::size_t event) {
  char* end = nullptr;
  const float number = std::strtof(cell.c_str(), &end);
  if (cell.empty() || *end != '\0') throw ophion::DataError("event " + std::to_string(event) + ": '" + cell + "' is no number");
  return number;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: event_loop MODEL.ophion <events.csv >scores.csv\n");
    return 2;
  }
  ophion::LoadOptions options;
  options.backend = "native";  // rather an error than a search for Python
  const auto model = ophion::Model::load(argv[1], options);

  std::string line;
  std::getline(std::cin, line);
  const std::vector<std::string> names = cells_of(line);  // the file's columns, in its own order
  const auto score = model.bind(names);                   // a feature that is missing throws here, naming the nearest
  std::vector<float> event(names.size());
  std::vector<float> scores(model.outputs());
  std::string header;
  for (const std::string& name : model.output_names()) header += (header.empty() ? "" : ",") + name;
  std::printf("%s\n", header.c_str());

  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != names.size()) {
      throw ophion::DataError("event " + std::to_string(number) + " has " + std::to_string(cells.size()) + " numbers, expected " +
                              std::to_string(names.size()));
    }
    for (std::size_t i = 0; i < cells.size(); ++i) event[i] = number_from(cells[i], number);
    score(event, scores);  // allocates nothing, takes no lock
    for (std::size_t i = 0; i < scores.size(); ++i) std::printf("%s%.7g", i == 0 ? "" : ",", static_cast<double>(scores[i]));
    std::printf("\n");
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "event_loop: %s\n", error.what());
  return 1;
}
