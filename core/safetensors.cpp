/// Named arrays in the safetensors format: eight bytes of header size, a JSON header, the raw bytes in little-endian order.
#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include <ophion/error.h>
#include <ophion/value.h>

namespace ophion {
namespace {

static_assert(std::endian::native == std::endian::little, "the format's numbers are taken as they lie in memory");

constexpr std::size_t length_size = sizeof(std::uint64_t);
constexpr std::size_t most_header_bytes = 100'000'000;  // as the reference implementation

struct TypeName {
  DType type;
  const char* name;
};
constexpr TypeName type_names[] = {
    {DType::float32, "F32"}, {DType::float64, "F64"}, {DType::int32, "I32"}, {DType::int64, "I64"}};

const char* name_in_file(DType type) {
  for (const auto& entry : type_names) {
    if (entry.type == type) return entry.name;
  }
  throw ModelError(std::string("a tensor of ") + name_of(type) + " can't be kept");
}

/// Bytes of so many numbers of `type`; nothing when that is beyond 64 bits.
std::optional<std::size_t> bytes_of(const std::vector<std::size_t>& shape, DType type) {
  std::size_t bytes = size_of(type);
  for (const std::size_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

template <class T>
Tensor tensor_of(DType type, std::span<const T> values, std::vector<std::size_t> shape) {
  Tensor tensor{type, std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes())};
  if (bytes_of(tensor.shape, type) != tensor.bytes.size()) {
    throw ModelError("a tensor's shape asks for another number of values than the " + std::to_string(values.size()) + " given");
  }
  return tensor;
}

template <class To, class From>
std::vector<To> converted(const Tensor& tensor) {
  std::vector<To> values(tensor.bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    From number;
    std::memcpy(&number, tensor.bytes.data() + i * sizeof number, sizeof number);
    values[i] = static_cast<To>(number);
  }
  return values;
}

template <class To>
std::vector<To> numbers_of(const Tensor& tensor) {
  switch (tensor.type) {
    case DType::float32: return converted<To, float>(tensor);
    case DType::float64: return converted<To, double>(tensor);
    case DType::int32: return converted<To, std::int32_t>(tensor);
    case DType::int64: return converted<To, std::int64_t>(tensor);
    default: throw ModelError(std::string("a tensor of ") + name_of(tensor.type) + " can't be read");
  }
}

/// A number of the header that counts something.
std::size_t count_of(const Value& value) {
  const std::int64_t number = value.as_integer();
  if (number < 0) throw Error("expected at least 0, found " + std::to_string(number));
  return static_cast<std::size_t>(number);
}

struct Entry {
  std::string name;
  Tensor tensor;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Entry entry_of(const std::string& name, const Value& described) {
  Entry entry;
  entry.name = name;
  const std::string& type = described.at("dtype").as_text();
  const auto known = std::find_if(std::begin(type_names), std::end(type_names), [&](const auto& t) { return t.name == type; });
  if (known == std::end(type_names)) throw Error("type '" + type + "' is not one of F32, F64, I32, I64");
  entry.tensor.type = known->type;
  for (const Value& extent : described.at("shape").as_array()) entry.tensor.shape.push_back(count_of(extent));
  entry.begin = count_of(described.at("data_offsets").at(0));
  entry.end = count_of(described.at("data_offsets").at(1));
  if (described.at("data_offsets").size() != 2 || entry.begin > entry.end) throw Error("'data_offsets' are no begin and end");
  if (bytes_of(entry.tensor.shape, entry.tensor.type) != entry.end - entry.begin) throw Error("its shape doesn't fit its bytes");
  return entry;
}

std::map<std::string, Tensor> parse(std::string_view bytes, const std::string& origin) {
  if (bytes.size() < length_size) throw Error("is cut off before its header");
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), length_size);
  if (header_size > most_header_bytes || header_size > bytes.size() - length_size) throw Error("is cut off in its header");
  const Value header = read_json(bytes.substr(length_size, header_size), origin);
  const std::string_view data = bytes.substr(length_size + header_size);

  std::vector<Entry> entries;
  for (const auto& [name, described] : header.as_object()) {
    if (name == "__metadata__") continue;
    try {
      entries.push_back(entry_of(name, described));
    } catch (const Error& problem) {
      throw Error("tensor '" + name + "': " + problem.what());
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  std::size_t at = 0;
  std::map<std::string, Tensor> tensors;
  for (Entry& entry : entries) {
    if (entry.begin != at) throw Error("tensor '" + entry.name + "' overlaps another or leaves a gap");
    if (entry.end > data.size()) throw Error("tensor '" + entry.name + "' is cut off");
    entry.tensor.bytes = data.substr(entry.begin, entry.end - entry.begin);
    at = entry.end;
    tensors.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  if (at != data.size()) throw Error("has bytes that belong to no tensor");
  return tensors;
}

}  // namespace

Tensor make_tensor(std::span<const float> values, std::vector<std::size_t> shape) {
  return tensor_of(DType::float32, values, std::move(shape));
}

Tensor make_tensor(std::span<const double> values, std::vector<std::size_t> shape) {
  return tensor_of(DType::float64, values, std::move(shape));
}

std::vector<double> doubles_of(const Tensor& tensor) { return numbers_of<double>(tensor); }
std::vector<float> floats_of(const Tensor& tensor) { return numbers_of<float>(tensor); }

std::vector<std::int32_t> integers_of(const Tensor& tensor) {
  if (tensor.type != DType::int32) throw ModelError(std::string("expected a tensor of int32, found ") + name_of(tensor.type));
  return converted<std::int32_t, std::int32_t>(tensor);
}

std::string write_safetensors(const std::map<std::string, Tensor>& tensors) {
  // Wide types first, as the reference implementation does: then every tensor is aligned to its type.
  std::vector<const std::pair<const std::string, Tensor>*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return size_of(a->second.type) > size_of(b->second.type); });
  Value header = Value::object();
  std::size_t at = 0;
  for (const auto* entry : order) {
    const Tensor& tensor = entry->second;
    Value shape = Value::array();
    for (const std::size_t extent : tensor.shape) shape.push_back(extent);
    Value described = Value::object();
    described.set("dtype", name_in_file(tensor.type));
    described.set("shape", std::move(shape));
    described.set("data_offsets", Value(Value::Array{at, at + tensor.bytes.size()}));
    header.set(entry->first, std::move(described));
    at += tensor.bytes.size();
  }
  std::string text = write_json(header, 0);
  text.resize((text.size() + length_size - 1) / length_size * length_size, ' ');
  const std::uint64_t header_size = text.size();
  std::string bytes(length_size, '\0');
  std::memcpy(bytes.data(), &header_size, length_size);
  bytes.reserve(length_size + text.size() + at);
  bytes += text;
  for (const auto* entry : order) bytes += entry->second.bytes;
  return bytes;
}

std::map<std::string, Tensor> read_safetensors(std::string_view bytes, const std::string& origin) {
  try {
    return parse(bytes, origin);
  } catch (const Error& problem) {
    throw ModelError(origin + ": " + problem.what());
  }
}

}  // namespace ophion
