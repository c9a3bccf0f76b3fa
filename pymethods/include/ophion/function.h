/// PyFunction: a Python function where C++ or C wants one.
///   const PyFunction<double(double)> f("math.exp");
///   f(1.0);                                             // as std::function
///   f.map(xs, ys);                                      // one call of Python for all: f must take NumPy arrays
///   auto call = f.callback();                           // as a C function and its void*
///   gsl_function g{call.function(), call.data()};
///   gsl_deriv_central(&g, 1.0, 1e-8, &result, &error);
///   call.rethrow();                                     // what Python raised meanwhile
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <ophion/convert.h>
#include <ophion/dataset.h>
#include <ophion/export.h>
#include <ophion/object.h>
#include <ophion/python_lock.h>
#include <ophion/value.h>

namespace ophion {
namespace detail {

/// What is behind every PyFunction: a callable that was checked, and the script it comes from.
class OPHION_EXPORT Callable {
 public:
  static std::shared_ptr<const Callable> from_entry(const Value& entry, const std::filesystem::path& folder, std::size_t arguments);
  static std::shared_ptr<const Callable> from_file(const std::filesystem::path& script, const std::string& name, std::size_t arguments);
  static std::shared_ptr<const Callable> from_object(const Object& object, std::size_t arguments);

  /// "bends.py: bend()", for errors and paths.
  const std::string& call_text() const noexcept { return call_text_; }
  /// With Python held.
  Object call(std::span<const Object> arguments) const;
  /// The same for numbers alone, quicker. Takes Python itself, as `map` does.
  double call(std::span<const double> numbers) const;
  float call_float(std::span<const double> numbers) const;
  void map(std::span<const Column> in, DType type, void* out, std::size_t count) const;

 private:
  Callable(Object function, Object script, const std::string& name)
      : function_(std::move(function)), script_(std::move(script)), call_text_(name + "()") {}
  static std::shared_ptr<const Callable> find(const Value& entry, const std::filesystem::path& folder, std::size_t arguments);
  _object* call_with(std::span<const double> numbers) const;  // a new reference
  void after_call() const;

  Object function_;
  Object script_;  // its modules live as long
  std::string call_text_;
  mutable std::atomic<bool> called_{false};
};

/// The first exception of a C function's callbacks.
class OPHION_EXPORT KeptError {
 public:
  explicit KeptError(std::string whose) : whose_(std::move(whose)) {}
  ~KeptError();  // one that nobody asked for goes to the log
  KeptError(const KeptError&) = delete;
  KeptError& operator=(const KeptError&) = delete;

  bool kept() const noexcept { return kept_.load(std::memory_order_relaxed); }
  void keep() noexcept;  // the exception that is being handled
  void rethrow();

 private:
  std::atomic<bool> kept_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
  std::string whose_;
};

}  // namespace detail

template <class Signature>
class PyFunction;

/// Any number of copies call one Python function, from any thread, which need not hold Python; they may be dropped anywhere.
/// Arguments and results are converted as convert.h says: a wrong result is an Error ("bends.py: bend(): expected float, found str"), what
/// Python raises a PythonError.
template <class R, class... Args>
class PyFunction<R(Args...)> {
 public:
  /// "math.exp", "package.module.Class.method", "bends.py:bend", or an entry of a config: {"function": "math.exp"} or {"file": "bends.py",
  /// "name": "bend", "params": {"angle": 0.5}}, whose params are given by keyword in every call. Files are relative to `folder`.
  /// Starts Python where it does not run. Throws Error (ConfigError with the key, for an entry) when there is no such thing, when it is
  /// not callable or can't be called with these arguments; PythonError for what an import raises.
  explicit PyFunction(const Value& entry, const std::filesystem::path& folder = {})
      : PyFunction(detail::Callable::from_entry(entry, folder, sizeof...(Args))) {}
  explicit PyFunction(const Object& callable) : PyFunction(detail::Callable::from_object(callable, sizeof...(Args))) {}
  /// The function `name` of a user's script, which is imported anew; its modules live as long as the PyFunction.
  static PyFunction from_file(const std::filesystem::path& script, const std::string& name) {
    return PyFunction(detail::Callable::from_file(script, name, sizeof...(Args)));
  }

  R operator()(Args... args) const {
    if constexpr (all_floating) {
      const std::array<double, sizeof...(Args)> numbers{static_cast<double>(args)...};
      if constexpr (std::is_same_v<R, float>) return callable_->call_float(numbers);
      else return callable_->call(std::span<const double>(numbers));
    } else {
      const PythonLock python;
      const std::array<Object, sizeof...(Args)> objects{Converter<std::decay_t<Args>>::to_python(args)...};
      const Object result = callable_->call(std::span<const Object>(objects));
      if constexpr (!std::is_void_v<R>) return Converter<R>::from_python(result.get(), Place(callable_->call_text()));
    }
  }

  /// One call with an array for each argument, read-only and lent for this call, whose result has a number for each of `out`.
  void map(std::span<const std::decay_t<Args>>... in, std::span<R> out) const
    requires(std::is_arithmetic_v<R> && sizeof...(Args) > 0 && (std::is_arithmetic_v<std::decay_t<Args>> && ...))
  {
    const std::array<Column, sizeof...(Args)> columns{Column(std::string(), in)...};
    callable_->map(columns, dtype_of<R>(), out.data(), out.size());
  }

  /// A C function `R f(Args..., void* data)` and its data. From the first exception on (it can't pass through C) Python is not called any
  /// more: each call gives NaN, or R{} where there is none, until `rethrow()` has thrown it.
  class Callback {
   public:
    using Function = R (*)(Args..., void*);

    explicit Callback(const PyFunction& function) : state_(std::make_unique<State>(function)) {}
    Function function() const noexcept { return &call; }
    /// Valid as long as this lives, also when it is moved.
    void* data() const noexcept { return state_.get(); }
    /// Throws what was kept, once: to be called when the C function has returned.
    void rethrow() { state_->error.rethrow(); }

   private:
    struct State {
      explicit State(const PyFunction& python) : function(python), error(python.callable_->call_text()) {}
      PyFunction function;
      detail::KeptError error;
    };

    static R call(Args... args, void* data) noexcept {
      auto& state = *static_cast<State*>(data);
      if (!state.error.kept()) {
        try {
          return state.function(args...);
        } catch (...) {
          state.error.keep();
        }
      }
      if constexpr (std::is_floating_point_v<R>) return std::numeric_limits<R>::quiet_NaN();
      else if constexpr (!std::is_void_v<R>) return R{};
    }

    std::unique_ptr<State> state_;
  };

  [[nodiscard]] Callback callback() const
    requires(std::is_void_v<R> || std::is_trivially_copyable_v<R>)
  {
    return Callback(*this);
  }

 private:
  static constexpr bool all_floating = (std::is_same_v<R, double> || std::is_same_v<R, float>) &&
                                       ((std::is_same_v<std::decay_t<Args>, double> || std::is_same_v<std::decay_t<Args>, float>) && ...);

  explicit PyFunction(std::shared_ptr<const detail::Callable> callable) : callable_(std::move(callable)) {}
  std::shared_ptr<const detail::Callable> callable_;
};

}  // namespace ophion
