/// What a Model and the scores bound from it share.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include <ophion/model.h>

#include "binding.h"
#include "dtype.h"
#include "model_file.h"
#include "model_manifest.h"

namespace ophion {

struct Model::State {
  /// `method`: what loads it, where that is at hand; else it is found by its name, and isolated as the options say.
  State(std::shared_ptr<const ModelFile> from, const LoadOptions& options, std::shared_ptr<const Method> method = nullptr);

  /// Scores rows of features. Errors count rows from `first_row`.
  void predict(const MatrixView& features, std::span<float> out, std::size_t first_row = 0) const;
  /// Scores rows whose features have to be gathered or computed, in blocks.
  void predict(const Binding& binding, std::span<const Strided> sources, std::size_t rows, std::span<float> out) const;

  std::shared_ptr<const ModelFile> file;
  ModelDescription description;
  std::shared_ptr<const Method> method;  ///< its code is that of the backend; null for the native one
  std::unique_ptr<const Backend> backend;
  std::string machine;

 private:
  std::unique_ptr<const Backend> run_method(const PayloadDescription& described, const LoadOptions& options,
                                            std::shared_ptr<const Method> by);
  void test() const;
  mutable std::atomic<bool> tested_ = false;
};

}  // namespace ophion
