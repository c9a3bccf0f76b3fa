/// What tests of reading share: a folder of made-up files and a plan to read them by.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <ophion/error.h>
#include <ophion/runtime.h>

#include "core/fake_reader.h"
#include "events.h"

namespace ophion {

namespace fs = std::filesystem;

/// A folder with empty files, whose content a FakeReader knows.
class EventsFromFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "ophion_events_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    plan_.task = "classification";
    plan_.seed = 42;
    plan_.data.features = {{"x", "x", ""}};
    plan_.data.split.validation = 0;
    plan_.data.split.test = 0;
  }
  void TearDown() override {
    clear_interrupt();
    fs::remove_all(folder_);
  }

  void file(const std::string& name, Columns columns) {
    std::ofstream(folder_ / name).put('\n');
    reader_->files[name].columns = std::move(columns);
  }
  SampleConfig sample(const std::string& class_name, const std::string& pattern) const {
    return {class_name, {(folder_ / pattern).string()}, "", "", ""};
  }
  /// Signal s.fake with x = 1, 2, 3 and background b.fake with x = 10, 20.
  void two_small_files() {
    file("s.fake", {made_column<float>("x", {1, 2, 3}), made_column<double>("w", {1, 1, 1})});
    file("b.fake", {made_column<float>("x", {10, 20}), made_column<double>("w", {2, 2})});
    plan_.data.samples = {sample("signal", "s.fake"), sample("background", "b.fake")};
  }
  Events read(std::size_t chunk_rows = 1000) {
    const auto files = reader_->files;
    reader_ = std::make_shared<FakeReader>(chunk_rows);
    reader_->files = files;
    return read_events(plan_, [this](const fs::path&) { return reader_; });
  }
  /// What read() throws, with the folder's name taken out.
  std::string error() {
    try {
      read();
    } catch (const DataError& problem) {
      std::string text = problem.what();
      const std::string prefix = folder_.string() + "/";
      for (std::size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
      return text;
    }
    return "no DataError";
  }

  fs::path folder_;
  EventPlan plan_;
  std::shared_ptr<FakeReader> reader_ = std::make_shared<FakeReader>(1000);
};

inline std::vector<float> column(const MatrixView& matrix, std::size_t index) {
  std::vector<float> numbers;
  for (std::size_t row = 0; row < matrix.rows(); ++row) numbers.push_back(matrix.at(row, index));
  return numbers;
}

}  // namespace ophion
