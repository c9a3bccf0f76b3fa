/// Python's iterators as C++ ranges, and C++ ranges as Python's iterators.
///   for (const auto& batch : iterate<std::vector<double>>(batches)) …     // batches: a generator, a list, whatever has __iter__
///   Object squares = as_iterator(std::views::iota(0, 10) | std::views::transform(square));
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include <ophion/convert.h>
#include <ophion/export.h>
#include <ophion/object.h>
#include <ophion/python_lock.h>

namespace ophion {
namespace detail {

/// A Python iterator, step by step; a generator that has not ended is closed with it.
class OPHION_EXPORT Steps {
 public:
  explicit Steps(const Object& iterable);
  Steps(Steps&&) noexcept = default;
  Steps& operator=(Steps&&) = delete;
  ~Steps();

  /// The next item; empty at the end. With Python held.
  Object next();

 private:
  Object iterator_;  // empty after the end
};

/// What a Python iterator of C++ asks.
class OPHION_EXPORT Source {
 public:
  virtual ~Source();
  virtual bool advance() = 0;    // to the first or the next item; false at the end; Python is not held
  virtual Object current() = 0;  // with Python held
};

OPHION_EXPORT Object make_iterator(std::unique_ptr<Source> source);

template <class Range>
class RangeSource final : public Source {
 public:
  explicit RangeSource(Range range) : range_(std::move(range)) {}
  bool advance() override {
    if (position_) ++*position_;
    else position_.emplace(std::ranges::begin(range_));
    return *position_ != std::ranges::end(range_);
  }
  Object current() override {
    using Item = std::ranges::range_value_t<Range>;
    return Converter<Item>::to_python(**position_);
  }

 private:
  Range range_;
  std::optional<std::ranges::iterator_t<Range>> position_;
};

template <class Function, class Item>
class FunctionSource final : public Source {
 public:
  explicit FunctionSource(Function function) : function_(std::move(function)) {}
  bool advance() override {
    item_ = function_();
    return item_.has_value();
  }
  Object current() override { return Converter<Item>::to_python(*item_); }

 private:
  Function function_;
  std::optional<Item> item_;
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace detail

/// An input range over the items of a Python iterable, to be gone through once. What Python raises is thrown as PythonError by `begin()` and
/// `++`; an item of another type is an Error: "item[3]: expected float, found str". When the range goes before its end, a generator is
/// closed, so that its `finally` blocks run. Python is not held between two items.
template <class T>
class PyRange {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(PyRange* range) noexcept : range_(range) {}
    T& operator*() const noexcept { return *range_->item_; }
    T* operator->() const noexcept { return &*range_->item_; }
    Iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !range_->item_; }

   private:
    PyRange* range_;
  };

  explicit PyRange(const Object& iterable) : steps_(iterable) {}
  /// The first item, or, later, the one that was reached.
  Iterator begin() {
    if (count_ == 0) advance();
    return Iterator(this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  void advance() {
    const PythonLock python;
    item_.reset();
    const Object next = steps_.next();
    if (next) item_.emplace(Converter<T>::from_python(next.get(), Place(Place("item"), count_)));
    ++count_;
  }

  detail::Steps steps_;
  std::optional<T> item_;
  std::size_t count_ = 0;
};

template <class T = Object>
PyRange<T> iterate(const Object& iterable) {
  return PyRange<T>(iterable);
}

/// A Python iterator that owns `source`: a range (moved or copied into it; std::ref or a view borrows instead), or a function that gives
/// std::optional<T>, nothing at the end. It is asked while Python is not held, from whatever thread Python asks from, one at a time.
/// What it throws is a RuntimeError to Python (ophion.errors.CppError) and, where that comes back to C++, the same exception.
template <class T>
Object as_iterator(T&& source) {
  using Owned = std::decay_t<T>;
  if constexpr (std::invocable<Owned&>) {
    using Result = std::invoke_result_t<Owned&>;
    static_assert(detail::is_optional<Result>, "a function that generates gives std::optional<T>, nothing at the end");
    using Items = detail::FunctionSource<Owned, typename Result::value_type>;
    return detail::make_iterator(std::make_unique<Items>(std::forward<T>(source)));
  } else {
    static_assert(std::ranges::input_range<Owned>, "expected a range, or a function that gives std::optional<T>");
    return detail::make_iterator(std::make_unique<detail::RangeSource<Owned>>(std::forward<T>(source)));
  }
}

}  // namespace ophion
