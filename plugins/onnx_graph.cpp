/// Walks over the messages of an ONNX file (protocol buffers; the numbers are those of onnx.proto).
#include "onnx_graph.h"

#include <cstdint>
#include <string>

#include <ophion/error.h>

namespace ophion {
namespace {

constexpr int deepest = 32;  // graphs in attributes of nodes of graphs

/// The fields of one message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  /// False at the end.
  bool next() {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    number_ = tag >> 3;
    value_ = 0;
    bytes_ = {};
    switch (tag & 7) {
      case 0: value_ = varint(); return true;
      case 1: take(8); return true;
      case 2: bytes_ = take(varint()); return true;
      case 5: take(4); return true;
      default: throw ModelError("it is no ONNX file");
    }
  }
  std::uint64_t number() const noexcept { return number_; }
  std::uint64_t value() const noexcept { return value_; }
  std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw ModelError("it is no ONNX file");
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw ModelError("it is cut off");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  std::uint64_t number_ = 0;
  std::uint64_t value_ = 0;
  std::string_view bytes_;
};

void demand_known_domain(std::string_view domain) {
  if (domain.empty() || domain == "ai.onnx" || domain == "ai.onnx.ml") return;
  throw ModelError("it has operators of '" + std::string(domain) + "', which are not ONNX's own");
}

void look_at_tensor(std::string_view bytes) {
  for (Fields field(bytes); field.next();) {
    if (field.number() == 13 || (field.number() == 14 && field.value() != 0)) {  // external_data, data_location
      throw ModelError("it has numbers in another file");
    }
  }
}

void look_at_sparse_tensor(std::string_view bytes) {
  for (Fields field(bytes); field.next();) {
    if (field.number() == 1 || field.number() == 2) look_at_tensor(field.bytes());  // values, indices
  }
}

void look_at_graph(std::string_view bytes, int depth);

void look_at_attribute(std::string_view bytes, int depth) {
  for (Fields field(bytes); field.next();) {
    switch (field.number()) {
      case 5: case 10: look_at_tensor(field.bytes()); break;          // t, tensors
      case 6: case 11: look_at_graph(field.bytes(), depth + 1); break;  // g, graphs
      case 22: case 23: look_at_sparse_tensor(field.bytes()); break;  // sparse_tensor, sparse_tensors
      default: break;
    }
  }
}

void look_at_node(std::string_view bytes, int depth) {
  for (Fields field(bytes); field.next();) {
    if (field.number() == 7) demand_known_domain(field.bytes());
    if (field.number() == 5) look_at_attribute(field.bytes(), depth);
  }
}

void look_at_graph(std::string_view bytes, int depth) {
  if (depth > deepest) throw ModelError("its graphs are nested too deeply");
  for (Fields field(bytes); field.next();) {
    switch (field.number()) {
      case 1: look_at_node(field.bytes(), depth); break;
      case 5: look_at_tensor(field.bytes()); break;           // initializer
      case 15: look_at_sparse_tensor(field.bytes()); break;  // sparse_initializer
      default: break;
    }
  }
}

}  // namespace

void demand_plain_graph(std::string_view bytes) {
  bool has_graph = false;
  for (Fields field(bytes); field.next();) {
    switch (field.number()) {
      case 7:
        look_at_graph(field.bytes(), 0);
        has_graph = true;
        break;
      case 8:  // opset_import: its domain
        for (Fields opset(field.bytes()); opset.next();) {
          if (opset.number() == 1) demand_known_domain(opset.bytes());
        }
        break;
      case 20: throw ModelError("it trains: it has graphs for that");
      case 25: throw ModelError("it has functions of its own, which Ophion does not look into");
      default: break;
    }
  }
  if (!has_graph) throw ModelError("it is no ONNX file: it has no graph");
}

}  // namespace ophion
