/// One face for everything that scores rows from C or C++: Ophion's native backend, the C interfaces of ONNX Runtime, XGBoost and LightGBM,
/// and what lleaves and tl2cgen compiled, opened when asked for. native_peers.py calls it in rounds; nobody else does.
#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "isa.h"
#include "native_backend.h"

namespace {

thread_local std::size_t allocated = 0;  // bytes asked of operator new by this thread

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Engine {
 public:
  virtual ~Engine() = default;
  virtual void score(const float* rows, std::size_t count, float* out) = 0;
};

class Ophion final : public Engine {
 public:
  Ophion(const std::string& folder, std::size_t features) : features_(features) {
    ophion::Payload payload;
    for (const char* member : {"model.json", "arrays.safetensors"}) {
      std::ifstream file(folder + "/" + member, std::ios::binary);
      payload.members[member] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    ophion::Spec spec;
    spec.task = "classification";
    spec.classes = {"0", "1"};
    for (std::size_t i = 0; i < features; ++i) spec.features.push_back("x" + std::to_string(i));
    backend_ = ophion::make_native_backend(payload, spec);
  }
  void score(const float* rows, std::size_t count, float* out) override {
    backend_->predict(ophion::MatrixView(rows, count, features_), {out, count});
  }

 private:
  std::size_t features_;
  std::unique_ptr<ophion::Backend> backend_;
};

void* opened(const char* library) {
  void* const handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw std::runtime_error(::dlerror());
  return handle;
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (!function) throw std::runtime_error(std::string("there is no ") + name);
}

void demand(int status, const char* what) {
  if (status != 0) throw std::runtime_error(what);
}

/// The functions of ONNX Runtime's table by their places, which no later version changes.
class OnnxRuntime final : public Engine {
 public:
  OnnxRuntime(const char* library, const char* model, std::size_t features, const char* input, const char* output)
      : features_(features), input_(input), output_(output) {
    struct Base {
      void* const* (*get)(std::uint32_t);
    };
    const Base* (*base)() = nullptr;
    find(opened(library), "OrtGetApiBase", base);
    api_ = base()->get(1);
    void *env = nullptr, *options = nullptr;
    demand(call<void*(int, const char*, void**)>(3)(3, "benchmark", &env));
    demand(call<void*(void**)>(10)(&options));
    demand(call<void*(void*, int)>(24)(options, 1));
    demand(call<void*(void*, const char*, const void*, void**)>(7)(env, model, options, &session_));
    demand(call<void*(int, int, void**)>(69)(0, 0, &memory_));
  }
  void score(const float* rows, std::size_t count, float* out) override {
    const std::int64_t shape[2] = {static_cast<std::int64_t>(count), static_cast<std::int64_t>(features_)};
    void *given = nullptr, *result = nullptr;
    demand(call<void*(const void*, const void*, std::size_t, const std::int64_t*, std::size_t, int, void**)>(49)(
        memory_, rows, count * features_ * sizeof(float), shape, 2, 1, &given));
    const char* const inputs[] = {input_.c_str()};
    const char* const outputs[] = {output_.c_str()};
    demand(call<void*(void*, const void*, const char* const*, void* const*, std::size_t, const char* const*, std::size_t, void**)>(9)(
        session_, nullptr, inputs, &given, 1, outputs, 1, &result));
    float* scores = nullptr;
    demand(call<void*(void*, float**)>(51)(result, &scores));
    out[0] = scores[1];  // of two classes
    call<void(void*)>(96)(result);
    call<void(void*)>(96)(given);
  }

 private:
  template <class Function>
  Function* call(std::size_t place) const {
    return reinterpret_cast<Function*>(api_[place]);
  }
  void demand(void* status) const {
    if (status) throw std::runtime_error(call<const char*(const void*)>(2)(status));
  }

  std::size_t features_;
  std::string input_, output_;
  void* const* api_ = nullptr;
  void* session_ = nullptr;
  void* memory_ = nullptr;
};

class XgBoost final : public Engine {
 public:
  XgBoost(const char* library, const char* model, std::size_t features) : features_(features) {
    void* const handle = opened(library);
    int (*create)(const void*, std::uint64_t, void**) = nullptr;
    int (*load)(void*, const char*) = nullptr;
    int (*set)(void*, const char*, const char*) = nullptr;
    find(handle, "XGBoosterCreate", create);
    find(handle, "XGBoosterLoadModel", load);
    find(handle, "XGBoosterSetParam", set);
    find(handle, "XGBoosterPredictFromDense", predict_);
    demand(create(nullptr, 0, &booster_), "XGBoosterCreate");
    demand(load(booster_, model), "XGBoosterLoadModel");
    demand(set(booster_, "nthread", "1"), "XGBoosterSetParam");
  }
  void score(const float* rows, std::size_t count, float* out) override {
    const std::string array = "{\"data\": [" + std::to_string(reinterpret_cast<std::uintptr_t>(rows)) + ", true], \"shape\": [" + std::to_string(count) +
                              ", " + std::to_string(features_) + "], \"typestr\": \"<f4\", \"version\": 3}";
    const std::uint64_t* shape = nullptr;
    std::uint64_t dimensions = 0;
    const float* scores = nullptr;
    demand(predict_(booster_, array.c_str(),
                    "{\"type\": 0, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false, \"missing\": NaN}",
                    nullptr, &shape, &dimensions, &scores),
           "XGBoosterPredictFromDense");
    out[0] = scores[0];
  }

 private:
  std::size_t features_;
  void* booster_ = nullptr;
  int (*predict_)(void*, const char*, const char*, void*, const std::uint64_t**, std::uint64_t*, const float**) = nullptr;
};

class LightGbm final : public Engine {
 public:
  LightGbm(const char* library, const char* model, std::size_t features) : features_(static_cast<std::int32_t>(features)) {
    void* const handle = opened(library);
    int (*create)(const char*, int*, void**) = nullptr;
    int (*prepare)(void*, int, int, int, int, std::int32_t, const char*, void**) = nullptr;
    find(handle, "LGBM_BoosterCreateFromModelfile", create);
    find(handle, "LGBM_BoosterPredictForMatSingleRowFastInit", prepare);
    find(handle, "LGBM_BoosterPredictForMatSingleRowFast", one_);
    find(handle, "LGBM_BoosterPredictForMat", many_);
    int iterations = 0;
    demand(create(model, &iterations, &booster_), "LGBM_BoosterCreateFromModelfile");
    demand(prepare(booster_, 0, 0, -1, 0, features_, "num_threads=1", &fast_), "LGBM_BoosterPredictForMatSingleRowFastInit");
  }
  void score(const float* rows, std::size_t count, float* out) override {
    std::int64_t length = 0;
    scores_.resize(count);
    demand(count == 1 ? one_(fast_, rows, &length, scores_.data())
                      : many_(booster_, rows, 0, static_cast<std::int32_t>(count), features_, 1, 0, 0, -1, "num_threads=1", &length, scores_.data()),
           "LGBM_BoosterPredict");
    out[0] = static_cast<float>(scores_[0]);
  }

 private:
  std::int32_t features_;
  void *booster_ = nullptr, *fast_ = nullptr;
  std::vector<double> scores_;
  int (*one_)(void*, const void*, std::int64_t*, double*) = nullptr;
  int (*many_)(void*, const void*, int, std::int32_t, std::int32_t, int, int, int, int, const char*, std::int64_t*, double*) = nullptr;
};

/// The function that lleaves compiled, over doubles; its caller keeps it alive.
class Lleaves final : public Engine {
 public:
  Lleaves(void* function, std::size_t features) : features_(features), function_(reinterpret_cast<Function>(function)) {}
  void score(const float* rows, std::size_t count, float* out) override {
    numbers_.assign(rows, rows + count * features_);
    scores_.resize(count);
    function_(numbers_.data(), scores_.data(), 0, static_cast<int>(count));
    out[0] = static_cast<float>(scores_[0]);
  }

 private:
  using Function = void (*)(double*, double*, int, int);
  std::size_t features_;
  Function function_;
  std::vector<double> numbers_, scores_;
};

/// A model that tl2cgen compiled: one event a call, in an array of its own in which a number may be marked as missing. Number is float or
/// double, whichever the thresholds are.
template <class Number>
class Tl2cgen final : public Engine {
 public:
  Tl2cgen(void* library, std::size_t features) : entries_(features) { find(library, "predict", predict_); }
  void score(const float* rows, std::size_t count, float* out) override {
    for (std::size_t i = 0; i < count; ++i, rows += entries_.size()) {
      for (std::size_t j = 0; j < entries_.size(); ++j) entries_[j].number = static_cast<Number>(rows[j]);
      Number score = 0;
      predict_(entries_.data(), 0, &score);
      out[i] = static_cast<float>(score);
    }
  }

 private:
  union Entry {
    int missing;
    Number number;
  };
  std::vector<Entry> entries_;
  void (*predict_)(Entry*, int, Number*) = nullptr;
};

Engine* tl2cgen(const char* file, std::size_t features) {
  void* const library = opened(file);
  const char* (*type)() = nullptr;
  find(library, "get_threshold_type", type);
  if (std::string(type()) == "float32") return new Tl2cgen<float>(library, features);
  return new Tl2cgen<double>(library, features);
}

/// Multiplications and additions in a second of `many` independent sums.
template <class Vector, std::size_t many>
double flops_of() {
  Vector sums[many] = {};
  const Vector a = sums[0] + 0.999f, b = sums[0] + 1e-6f;
#pragma GCC unroll 24
  for (Vector& sum : sums) asm("" : "+v"(sum));  // the compiler must not see that they are equal
  constexpr int steps = 5000;
  const double begin = thread_seconds();
  for (int i = 0; i < steps; ++i) {
#pragma GCC unroll 24
    for (Vector& sum : sums) sum = sum * a + b;
  }
#pragma GCC unroll 24
  for (Vector& sum : sums) asm volatile("" : "+v"(sum));
  return many * sizeof(Vector) / sizeof(float) * 2.0 * steps / (thread_seconds() - begin);
}

std::string problem;  // of the last call that failed

template <class Make>
Engine* made(Make&& make) {
  try {
    return make();
  } catch (const std::exception& caught) {
    problem = caught.what();
    return nullptr;
  }
}

}  // namespace

// Count what is allocated through operator new in this library.
void* operator new(std::size_t bytes) {
  allocated += bytes;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  allocated += bytes;
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (bytes + align - 1) / align * align)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#define OPHION_BENCHMARK extern "C" __attribute__((visibility("default")))

OPHION_BENCHMARK const char* last_problem() { return problem.c_str(); }
OPHION_BENCHMARK Engine* ophion_engine(const char* folder, std::size_t features) {
  return made([&] { return new Ophion(folder, features); });
}
OPHION_BENCHMARK Engine* onnxruntime_engine(const char* library, const char* model, std::size_t features, const char* input, const char* output) {
  return made([&] { return new OnnxRuntime(library, model, features, input, output); });
}
OPHION_BENCHMARK Engine* xgboost_engine(const char* library, const char* model, std::size_t features) {
  return made([&] { return new XgBoost(library, model, features); });
}
OPHION_BENCHMARK Engine* lightgbm_engine(const char* library, const char* model, std::size_t features) {
  return made([&] { return new LightGbm(library, model, features); });
}
OPHION_BENCHMARK Engine* lleaves_engine(void* function, std::size_t features) {
  return made([&] { return new Lleaves(function, features); });
}
OPHION_BENCHMARK Engine* tl2cgen_engine(const char* file, std::size_t features) {
  return made([&] { return tl2cgen(file, features); });
}

/// CPU seconds of scoring `count` rows in calls of `batch`; -1: it failed.
OPHION_BENCHMARK double seconds_of(Engine* engine, const float* rows, std::size_t features, std::size_t count, std::size_t batch, float* out) {
  try {
    const double begin = thread_seconds();
    for (std::size_t i = 0; i + batch <= count; i += batch) engine->score(rows + i * features, batch, out + i);
    return thread_seconds() - begin;
  } catch (const std::exception& caught) {
    problem = caught.what();
    return -1;
  }
}

/// Bytes that `count` single events ask for.
OPHION_BENCHMARK std::size_t bytes_of(Engine* engine, const float* rows, std::size_t features, std::size_t count, float* out) {
  engine->score(rows, 1, out);
  const std::size_t before = allocated;
  for (std::size_t i = 0; i < count; ++i) engine->score(rows + i * features, 1, out + i);
  return allocated - before;
}

/// Wall-clock seconds in which each of `threads` threads scores all rows in calls of `batch`.
OPHION_BENCHMARK double seconds_with(Engine* engine, std::size_t threads, const float* rows, std::size_t features, std::size_t count, std::size_t batch) {
  timespec begin{}, end{};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  std::vector<std::thread> some;
  for (std::size_t t = 0; t < threads; ++t) {
    some.emplace_back([&] {
      std::vector<float> out(count);
      for (std::size_t i = 0; i + batch <= count; i += batch) engine->score(rows + i * features, batch, out.data() + i);
    });
  }
  for (std::thread& thread : some) thread.join();
  clock_gettime(CLOCK_MONOTONIC, &end);
  return static_cast<double>(end.tv_sec - begin.tv_sec) + 1e-9 * static_cast<double>(end.tv_nsec - begin.tv_nsec);
}

/// Multiplications and additions in a second that a core can do with the registers that Ophion's kernels use, as far as independent sums of
/// them show it: the most of many calls.
OPHION_BENCHMARK double peak_flops() {
  using namespace ophion::native;
  using Wide = float __attribute__((vector_size(64)));
  using Narrow = float __attribute__((vector_size(32)));
  return best_isa() == Isa::avx512 ? flops_of<Wide, 24>() : flops_of<Narrow, 12>();
}
