/// What a Model and the scores bound from it share.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ophion/model.h>

#include "binding.h"
#include "dtype.h"
#include "model_file.h"
#include "model_manifest.h"

namespace ophion {

struct Model::State {
  /// What scores rows: the whole model, or one fold of it.
  struct Scorer {
    Preprocessing preprocessing;
    std::unique_ptr<const Backend> backend;
  };

  /// `method`: what loads it, where that is at hand; else it is found by its name, and isolated as the options say.
  State(std::shared_ptr<const ModelFile> from, const LoadOptions& options, std::shared_ptr<const Method> method = nullptr);

  /// Scores rows of features, with folds by the mean of all. Errors count rows from `first_row`.
  void predict(const MatrixView& features, std::span<float> out, std::size_t first_row = 0) const;
  /// Scores each row by the fold named for it; no_fold: by the mean of all.
  void predict(const MatrixView& features, std::span<const Fold> folds, std::span<float> out, std::size_t first_row = 0) const;
  /// Scores rows whose features have to be gathered or computed, in blocks.
  void predict(const Binding& binding, std::span<const Strided> sources, std::size_t rows, std::span<float> out) const;

  std::shared_ptr<const ModelFile> file;
  ModelDescription description;
  std::shared_ptr<const Method> method;  ///< its code is that of the backend; null for the native one
  std::vector<Scorer> scorers;           ///< one, or one a fold
  std::string machine;

 private:
  std::unique_ptr<const Backend> run_method(const PayloadDescription& described, const Spec& spec, const LoadOptions& options,
                                            std::shared_ptr<const Method> by);
  std::unique_ptr<const Backend> backend_of(const PayloadDescription& described, const Spec& spec, const LoadOptions& options,
                                            const std::shared_ptr<const Method>& by);
  void score(const MatrixView& features, std::span<float> out, std::size_t first_row) const;
  void score(const MatrixView& features, std::span<const Fold> folds, std::span<float> out, std::size_t first_row) const;
  void test() const;
  mutable std::atomic<bool> tested_ = false;
};

}  // namespace ophion
