/// DLPack's structs, as its version 1.0 lays them down (https://dmlc.github.io/dlpack/latest/c_api.html): what libraries hand each other.
#pragma once

#include <cstdint>

namespace ophion::dlpack {

constexpr std::uint32_t major_version = 1;
constexpr std::uint32_t minor_version = 0;

enum DeviceType : std::int32_t { cpu = 1, cuda = 2, cuda_host = 3, rocm = 10, rocm_host = 11 };
enum TypeCode : std::uint8_t { code_int = 0, code_uint = 1, code_float = 2, code_bfloat = 4, code_complex = 5, code_bool = 6 };
constexpr std::uint64_t flag_read_only = 1;
constexpr std::uint64_t flag_is_copied = 2;

struct Device {
  std::int32_t type;
  std::int32_t id;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType type;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major and contiguous
  std::uint64_t byte_offset;
};

/// Before version 1, in capsules named "dltensor"; it can't say that memory is read-only.
struct ManagedTensor {
  static constexpr const char* name = "dltensor";
  static constexpr const char* used_name = "used_dltensor";
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor*);  // may be called by any thread; may be null
};

/// Since version 1, in capsules named "dltensor_versioned".
struct VersionedTensor {
  static constexpr const char* name = "dltensor_versioned";
  static constexpr const char* used_name = "used_dltensor_versioned";
  std::uint32_t major;
  std::uint32_t minor;
  void* context;
  void (*deleter)(VersionedTensor*);
  std::uint64_t flags;
  Tensor tensor;
};

}  // namespace ophion::dlpack
