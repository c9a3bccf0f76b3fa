/// The model files of make_models, handles that free themselves, texts of any length.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <ophion_c.h>

#include "core/temporary_folder.h"

inline const std::string models = std::string(OPHION_BINARY_DIR) + "/tests/models/";

struct Free {
  void operator()(ophion_model* handle) const { ophion_model_free(handle); }
  void operator()(ophion_bound* handle) const { ophion_bound_free(handle); }
  void operator()(ophion_config* handle) const { ophion_config_free(handle); }
  void operator()(ophion_events* handle) const { ophion_events_free(handle); }
  void operator()(ophion_run* handle) const { ophion_run_free(handle); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

/// The plug-in of the method "linear", tools in C++ alone, and nobody's trusted models but the tests' own.
inline void see_test_plugins() {
  static const TemporaryFolder data;
  const std::string tests = std::string(OPHION_BINARY_DIR) + "/tests/";
  ::setenv("OPHION_PLUGIN_PATH", (tests + "cpp_plugins:" + tests + "plain_tools").c_str(), 1);
  ::setenv("XDG_DATA_HOME", data.path().c_str(), 1);
}

inline Owned<ophion_model> load(const std::string& name, const char* options = nullptr) {
  see_test_plugins();
  ophion_model* model = nullptr;
  EXPECT_EQ(ophion_model_load((models + name).c_str(), options, &model), OPHION_OK) << ophion_error_text();
  return Owned<ophion_model>(model);
}

inline Owned<ophion_bound> bind(const ophion_model* model, const std::vector<const char*>& names) {
  ophion_bound* bound = nullptr;
  EXPECT_EQ(ophion_model_bind(model, names.data(), names.size(), &bound), OPHION_OK) << ophion_error_text();
  return Owned<ophion_bound>(bound);
}

inline Owned<ophion_config> config_from(const std::string& json) {
  see_test_plugins();
  ophion_config* config = nullptr;
  EXPECT_EQ(ophion_config_from_json(json.c_str(), nullptr, &config), OPHION_OK) << ophion_error_text();
  return Owned<ophion_config>(config);
}

inline Owned<ophion_events> no_events() {
  ophion_events* events = nullptr;
  EXPECT_EQ(ophion_events_create(&events), OPHION_OK) << ophion_error_text();
  return Owned<ophion_events>(events);
}

/// What a function of text gives: its size first, then the text.
template <class Give>
std::string text_from(Give&& give) {
  std::size_t needed = 0;
  EXPECT_EQ(give(nullptr, std::size_t{0}, &needed), OPHION_OK) << ophion_error_text();
  std::string text(needed, '?');
  EXPECT_EQ(give(text.data(), needed, &needed), OPHION_OK) << ophion_error_text();
  EXPECT_EQ(text.size(), needed);
  EXPECT_EQ(text.back(), '\0');
  text.pop_back();
  return text;
}

inline ophion_matrix matrix_of(const std::vector<float>& numbers, std::size_t rows, std::size_t columns) {
  return {numbers.data(), OPHION_FLOAT32, rows, columns, static_cast<std::ptrdiff_t>(columns), 1};
}

template <class T>
ophion_column column_of(const char* name, std::int32_t type, const std::vector<T>& numbers) {
  return {name, numbers.data(), type, numbers.size(), sizeof(T), 0, 0};
}
