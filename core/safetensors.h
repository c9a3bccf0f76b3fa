/// Named arrays in the safetensors format: a JSON header and the raw bytes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ophion/matrix.h>

namespace ophion {

struct Tensor {
  DType type = DType::float32;  ///< float32, float64, int32, int64 are written; others refused
  std::vector<std::size_t> shape;
  std::string bytes;
};

Tensor make_tensor(std::span<const float> values, std::vector<std::size_t> shape);
Tensor make_tensor(std::span<const double> values, std::vector<std::size_t> shape);
std::vector<double> doubles_of(const Tensor& tensor);
std::vector<float> floats_of(const Tensor& tensor);
/// Of int32 only.
std::vector<std::int32_t> integers_of(const Tensor& tensor);

/// The same tensors give the same bytes.
std::string write_safetensors(const std::map<std::string, Tensor>& tensors);
/// Throws ModelError naming `origin` for a header that doesn't fit its bytes.
std::map<std::string, Tensor> read_safetensors(std::string_view bytes, const std::string& origin);

}  // namespace ophion
