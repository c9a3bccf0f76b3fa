/// ONNX Runtime's C API as far as it is used here, found when the program runs: no header and no library of it is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ophion::ort {

struct Status;
struct Env;
struct Session;
struct SessionOptions;
struct RunOptions;
struct TypeInfo;
struct TensorInfo;
struct MemoryInfo;
struct Allocator;
struct Value;

/// The table of functions of API version 1, which all later versions begin with. Each function but the releases and `message` gives null
/// when it succeeded. Entries that are not used here are counted only.
struct Api {
  void* unused_0[2];
  const char* (*message)(const Status*);
  Status* (*create_env)(int level, const char* name, Env**);
  void* unused_4[4];
  Status* (*create_session_from_array)(const Env*, const void* bytes, std::size_t size, const SessionOptions*, Session**);
  Status* (*run)(Session*, const RunOptions*, const char* const* inputs, const Value* const* given, std::size_t input_count,
                 const char* const* outputs, std::size_t output_count, Value** results);
  Status* (*create_session_options)(SessionOptions**);
  void* unused_11[13];
  Status* (*set_intra_op_threads)(SessionOptions*, int);
  Status* (*set_inter_op_threads)(SessionOptions*, int);
  void* unused_26[4];
  Status* (*input_count)(const Session*, std::size_t*);
  Status* (*output_count)(const Session*, std::size_t*);
  void* unused_32;
  Status* (*input_type)(const Session*, std::size_t index, TypeInfo**);
  Status* (*output_type)(const Session*, std::size_t index, TypeInfo**);
  void* unused_35;
  Status* (*input_name)(const Session*, std::size_t index, Allocator*, char**);
  Status* (*output_name)(const Session*, std::size_t index, Allocator*, char**);
  void* unused_38[11];
  Status* (*create_tensor_over)(const MemoryInfo*, void* data, std::size_t bytes, const std::int64_t* shape, std::size_t dimensions,
                                int type, Value**);
  void* unused_50[5];
  Status* (*tensor_info)(const TypeInfo*, const TensorInfo**);  ///< lent by the TypeInfo; null for what is no tensor
  void* unused_56[4];
  Status* (*element_type)(const TensorInfo*, int*);
  Status* (*dimension_count)(const TensorInfo*, std::size_t*);
  Status* (*dimensions)(const TensorInfo*, std::int64_t*, std::size_t count);  ///< -1: any
  void* unused_63[6];
  Status* (*create_cpu_memory_info)(int allocator, int memory, MemoryInfo**);
  void* unused_70[6];
  Status* (*allocator_free)(Allocator*, void*);
  void* unused_77;
  Status* (*default_allocator)(Allocator**);  ///< lent
  void* unused_79[14];
  void (*release_status)(Status*);
  void (*release_memory_info)(MemoryInfo*);
  void (*release_session)(Session*);
  void (*release_value)(Value*);
  void* unused_97;
  void (*release_type_info)(TypeInfo*);
  void* unused_99;
  void (*release_session_options)(SessionOptions*);
};

constexpr std::size_t place(std::size_t offset) { return offset / sizeof(void*); }
static_assert(place(offsetof(Api, create_env)) == 3 && place(offsetof(Api, create_session_from_array)) == 8);
static_assert(place(offsetof(Api, set_intra_op_threads)) == 24 && place(offsetof(Api, input_count)) == 30);
static_assert(place(offsetof(Api, input_name)) == 36 && place(offsetof(Api, create_tensor_over)) == 49);
static_assert(place(offsetof(Api, tensor_info)) == 55 && place(offsetof(Api, element_type)) == 60);
static_assert(place(offsetof(Api, create_cpu_memory_info)) == 69 && place(offsetof(Api, allocator_free)) == 76);
static_assert(place(offsetof(Api, default_allocator)) == 78 && place(offsetof(Api, release_status)) == 93);
static_assert(place(offsetof(Api, release_session)) == 95 && place(offsetof(Api, release_session_options)) == 100);

constexpr int float32 = 1;  // ONNX's number for the type

/// What was found in this process; kept for ever, as ONNX Runtime's environment is.
struct Library {
  const Api* api = nullptr;
  std::string version;
  Env* env = nullptr;
  MemoryInfo* memory = nullptr;
};

/// Opens the shared library on first use: RuntimeOptions::onnxruntime, else $OPHION_ONNXRUNTIME, else that of the package in the Python
/// environment, else the system's. PluginError saying what was looked for.
const Library& library();

/// Throws ModelError with what ONNX Runtime says, unless `status` is null.
void check(Status* status, const std::string& doing);

/// Owns an object of ONNX Runtime's.
template <class T, void (*Api::*release)(T*)>
struct Release {
  void operator()(T* object) const noexcept { (library().api->*release)(object); }
};
using SessionPtr = std::unique_ptr<Session, Release<Session, &Api::release_session>>;
using SessionOptionsPtr = std::unique_ptr<SessionOptions, Release<SessionOptions, &Api::release_session_options>>;
using TypeInfoPtr = std::unique_ptr<TypeInfo, Release<TypeInfo, &Api::release_type_info>>;
using ValuePtr = std::unique_ptr<Value, Release<Value, &Api::release_value>>;

}  // namespace ophion::ort
