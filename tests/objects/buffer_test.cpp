/// Buffers: one object, every protocol, the same memory.
#include "objects/support.h"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <vector>

namespace tests {

struct Point {
  float x;
  double y;
};

struct Hit {
  bool ok;
  std::int32_t run;
  Point place;
  std::int16_t charges[3];
  std::array<std::array<float, 3>, 2> matrix;
};

struct SomeMembers {
  std::int8_t a;
  std::int64_t unnamed;
  float b;
  char padding[6];
};

#pragma pack(push, 1)
struct Packed {
  std::int8_t a;
  double b;
};
#pragma pack(pop)

}  // namespace tests

OPHION_FIELDS(tests::Point, x, y);
OPHION_FIELDS(tests::Hit, ok, run, place, charges, matrix);
OPHION_FIELDS(tests::SomeMembers, a, b);
OPHION_FIELDS(tests::Packed, a, b);

namespace ophion {
namespace {

using namespace testing_support;

class Buffers : public PythonTest {};

TEST_F(Buffers, AreTheSameMemoryInEveryProtocol) {
  const Buffer<float> buffer(std::vector<float>{1, 2, 3});
  const std::string address = text(buffer.data());
  for (const char* borrower : {"np.asarray(b)", "memoryview(b)", "np.frombuffer(b, np.float32)", "np.from_dlpack(b)", "np.asarray(OnlyStruct(b))",
                               "np.asarray(OnlyInterface(b))"}) {
    EXPECT_EQ(say(buffer, std::string("address(") + borrower + ")"), address) << borrower;
    EXPECT_EQ(say(buffer, std::string("np.asarray(") + borrower + ").tolist()"), "[1.0, 2.0, 3.0]") << borrower;
  }
}

TEST_F(Buffers, AreTheSameMemoryInPyTorchAndArrow) {
  if (!has_libraries()) GTEST_SKIP() << "PyTorch and pyarrow don't run under a sanitizer";
  const Buffer<float> buffer(std::vector<float>{1, 2, 3});
  const std::string address = text(buffer.data());
  for (const char* borrower : {"torch().from_dlpack(b)", "torch().from_numpy(np.asarray(b))", "torch().as_tensor(b)", "pyarrow().py_buffer(b)"}) {
    EXPECT_EQ(say(buffer, std::string("address(") + borrower + ")"), address) << borrower;
  }
  EXPECT_EQ(say(buffer, "torch().from_dlpack(b).tolist()"), "[1.0, 2.0, 3.0]");
  // PyTorch knows no read-only tensors: docs/buffers.md warns of it.
  EXPECT_EQ(say(Buffer<const float>(buffer), "torch().from_dlpack(b).mul_(2).tolist()"), "[2.0, 4.0, 6.0]");
}

TEST_F(Buffers, AreWrittenByBothSides) {
  const auto buffer = Buffer<double>::zeros(2, 3);
  const Object object = buffer.object();
  EXPECT_EQ(say(object, "np.add(np.asarray(b), [[1, 2, 3], [4, 5, 6]], out=np.asarray(b)).sum()"), "21.0");
  EXPECT_EQ(buffer(1, 2), 6);
  buffer(0, 0) = -1;
  EXPECT_EQ(say(object, "memoryview(b)[0, 0]"), "-1.0");
}

template <class T>
void expect_type(const char* dtype, const char* format, const char* typestr) {
  const std::vector<T> values{T{0}, T{1}};
  const Buffer<const T> buffer(std::span<const T>(values), std::make_shared<int>());
  EXPECT_EQ(say(buffer, "np.asarray(b).dtype"), dtype);
  EXPECT_EQ(say(buffer, "b.dtype"), dtype);
  EXPECT_EQ(say(buffer, "memoryview(b).format"), format);
  EXPECT_EQ(say(buffer, "b.__array_interface__['typestr']"), typestr);
  for (const char* borrower : {"b", "OnlyStruct(b)", "OnlyInterface(b)", "np.from_dlpack(b)"}) {
    EXPECT_EQ(say(buffer, std::string("np.asarray(") + borrower + ").astype(int).tolist()"), "[0, 1]") << dtype << borrower;
  }
  EXPECT_EQ(say(buffer, "np.from_dlpack(b).dtype"), dtype);
  if (has_libraries()) {
    EXPECT_EQ(say(buffer, "torch().from_dlpack(b).dtype"), std::string("torch.") + dtype);
  }
}

TEST_F(Buffers, HaveEveryTypeOfNumber) {
  expect_type<std::int8_t>("int8", "b", "|i1");
  expect_type<std::uint8_t>("uint8", "B", "|u1");
  expect_type<std::int16_t>("int16", "h", "<i2");
  expect_type<std::uint16_t>("uint16", "H", "<u2");
  expect_type<std::int32_t>("int32", "i", "<i4");
  expect_type<std::uint32_t>("uint32", "I", "<u4");
  expect_type<std::int64_t>("int64", "l", "<i8");
  expect_type<std::uint64_t>("uint64", "L", "<u8");
  expect_type<long long>("int64", "l", "<i8");
  expect_type<float>("float32", "f", "<f4");
  expect_type<double>("float64", "d", "<f8");
}

TEST_F(Buffers, HaveTruthValues) {
  const auto buffer = Buffer<bool>::zeros(3);
  buffer[1] = true;
  EXPECT_EQ(say(buffer, "np.asarray(b).tolist()"), "[False, True, False]");
  EXPECT_EQ(say(buffer, "np.from_dlpack(b).tolist()"), "[False, True, False]");
  EXPECT_EQ(say(buffer, "np.asarray(OnlyStruct(b)).tolist()"), "[False, True, False]");
  EXPECT_EQ(say(buffer, "memoryview(b).tolist()"), "[False, True, False]");
  if (has_libraries()) {
    EXPECT_EQ(say(buffer, "torch().from_dlpack(b)"), "tensor([False,  True, False])");
  }
}

TEST_F(Buffers, HaveAnyStrides) {
  std::vector<float> numbers(12);
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  const auto keeper = std::make_shared<int>();
  const auto expect = [&](const Strided<float>& elements, const std::string& values) {
    const Buffer<float> buffer(elements, keeper);
    for (const char* borrower : {"b", "memoryview(b)", "np.from_dlpack(b)", "OnlyStruct(b)", "OnlyInterface(b)"}) {
      EXPECT_EQ(say(buffer, std::string("np.asarray(") + borrower + ").astype(int).tolist()"), values) << borrower;
      EXPECT_EQ(say(buffer, std::string("address(np.asarray(") + borrower + "))"), text(elements.data())) << borrower;
    }
  };
  expect(Strided<float>::vector(numbers.data() + 1, 4, 12), "[1, 4, 7, 10]");
  expect(Strided<float>::vector(numbers.data() + 11, 3, -16), "[11, 7, 3]");
  expect(Strided<float>::matrix(numbers.data(), 2, 2, 24, 8), "[[0, 2], [6, 8]]");
  expect(Strided<float>::matrix(numbers.data(), 3, 2, 4, 12), "[[0, 3], [1, 4], [2, 5]]");  // column-major
  expect(Strided<float>::matrix(numbers.data(), 2, 3, 0, 4), "[[0, 1, 2], [0, 1, 2]]");
  expect(Strided<float>::matrix(numbers.data(), 12, 1), "[[0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11]]");
}

TEST_F(Buffers, AreContiguousWhereThatIsAskedFor) {
  std::vector<float> numbers(12);
  const auto keeper = std::make_shared<int>();
  const auto ask = [](const Buffer<float>& buffer, int flags) {
    const Object object = buffer.object();
    const Gil gil;
    Py_buffer view{};
    if (PyObject_GetBuffer(object.get(), &view, flags) < 0) {
      EXPECT_EQ(view.obj, nullptr);
      try {
        throw_python_error("asking");
      } catch (const PythonError& error) {
        return error.type() + ": " + error.message();
      }
    }
    EXPECT_EQ(view.shape != nullptr, (flags & PyBUF_ND) != 0);
    EXPECT_EQ(view.strides != nullptr, (flags & PyBUF_STRIDES) == PyBUF_STRIDES);
    EXPECT_EQ(view.format != nullptr, (flags & PyBUF_FORMAT) != 0);
    EXPECT_EQ(view.len, static_cast<Py_ssize_t>(buffer.size() * sizeof(float)));
    PyBuffer_Release(&view);
    return std::string("given");
  };
  const Buffer<float> plain(Strided<float>::matrix(numbers.data(), 3, 4), keeper);
  const Buffer<float> fortran(Strided<float>::matrix(numbers.data(), 3, 4, 4, 12), keeper);
  const Buffer<float> gaps(Strided<float>::matrix(numbers.data(), 3, 2, 16, 4), keeper);
  for (int flags : {PyBUF_SIMPLE, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_C_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS, PyBUF_FULL}) {
    EXPECT_EQ(ask(plain, flags), "given") << flags;
  }
  EXPECT_EQ(ask(plain, PyBUF_F_CONTIGUOUS), "BufferError: this ophion.Buffer is not Fortran-contiguous");
  for (int flags : {PyBUF_STRIDES, PyBUF_F_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS, PyBUF_FULL}) EXPECT_EQ(ask(fortran, flags), "given") << flags;
  for (int flags : {PyBUF_SIMPLE, PyBUF_ND, PyBUF_C_CONTIGUOUS}) {
    EXPECT_EQ(ask(fortran, flags), "BufferError: this ophion.Buffer is not C-contiguous") << flags;
  }
  EXPECT_EQ(ask(gaps, PyBUF_FULL), "given");
  EXPECT_EQ(ask(gaps, PyBUF_ANY_CONTIGUOUS), "BufferError: this ophion.Buffer is not contiguous");
  EXPECT_EQ(say(gaps, "bytes(b) == np.asarray(b).tobytes()"), "True");
}

TEST_F(Buffers, OfConstElementsCantBeWritten) {
  const Buffer<float> writable(std::vector<float>{1, 2, 3});
  const Buffer<const float> buffer = writable;
  EXPECT_EQ(buffer.data(), writable.data());
  EXPECT_EQ(say(buffer, "np.asarray(b).flags.writeable"), "False");
  EXPECT_EQ(say(buffer, "np.from_dlpack(b).flags.writeable"), "False");
  EXPECT_EQ(say(buffer, "np.asarray(OnlyStruct(b)).flags.writeable"), "False");
  EXPECT_EQ(say(buffer, "np.asarray(OnlyInterface(b)).flags.writeable"), "False");
  EXPECT_EQ(say(buffer, "memoryview(b).readonly"), "True");
  EXPECT_EQ(say(buffer, "memoryview(b).__setitem__(0, 1.0)"), "TypeError: cannot modify read-only memory");
  EXPECT_EQ(say(buffer, "b.readonly"), "True");
  EXPECT_EQ(say(buffer, "(ctypes.c_float * 3).from_buffer(b)"), "TypeError: underlying buffer is not writable");
  EXPECT_EQ(say(buffer, "b.__dlpack__()"),
            "BufferError: __dlpack__: this ophion.Buffer is read-only, which DLPack can't say before version 1: expected max_version=(1, 0) "
            "or copy=True");
  EXPECT_EQ(say(writable, "[np.asarray(b).flags.writeable, np.from_dlpack(b).flags.writeable, b.readonly]"), "[True, True, False]");
  EXPECT_EQ(say(writable, "(ctypes.c_float * 3).from_buffer(b)[1]"), "2.0");
}

TEST_F(Buffers, RefuseToBeAskedForMemoryToWriteTo) {
  const Object object = Buffer<const float>(Buffer<float>::zeros(3)).object();
  const Gil gil;
  Py_buffer view{};
  ASSERT_EQ(PyObject_GetBuffer(object.get(), &view, PyBUF_WRITABLE), -1);
  EXPECT_THAT([] { throw_python_error("asking"); }, ThrowsMessage<PythonError>(HasSubstr("this ophion.Buffer is read-only")));
}

TEST_F(Buffers, HaveStructsWithNamedFields) {
  std::vector<tests::Hit> hits(2);
  hits[1] = {true, 7, {0.5f, 0.25}, {1, 2, 3}, {{{1, 2, 3}, {4, 5, 6}}}};
  const Buffer buffer(std::move(hits));
  const Object object = buffer.object();
  EXPECT_EQ(say(object, "memoryview(b).format"), "T{=?:ok:3x=i:run:T{=f:x:4x=d:y:}:place:(3)=h:charges:2x(2,3)=f:matrix:}");
  EXPECT_EQ(say(object, "b.dtype == hit_type()"), "True");
  EXPECT_EQ(say(object, "np.asarray(b).dtype == hit_type()"), "True");
  EXPECT_EQ(say(object, "np.asarray(b)[1]"),
            "(True, 7, (0.5, 0.25), [1, 2, 3], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])");
  EXPECT_EQ(say(object, "np.asarray(b)['place']['y'].tolist()"), "[0.0, 0.25]");
  EXPECT_EQ(say(object, "np.asarray(b)['matrix'].__setitem__((0, 1, 2), 9)"), "None");
  EXPECT_EQ(buffer[0].matrix[1][2], 9);
  for (const char* borrower : {"np.asarray(OnlyStruct(b))", "np.asarray(OnlyInterface(b))"}) {
    EXPECT_EQ(say(object, std::string(borrower) + "['matrix'][0, 1, 2]"), "9.0") << borrower;
    EXPECT_EQ(say(object, std::string(borrower) + "['charges'].tolist()"), "[[0, 0, 0], [1, 2, 3]]") << borrower;
    EXPECT_EQ(say(object, std::string(borrower) + ".dtype.itemsize"), std::to_string(sizeof(tests::Hit))) << borrower;
  }
  EXPECT_EQ(say(object, "b.__dlpack__()"), "BufferError: __dlpack__: DLPack knows no structs: take numpy.asarray(buffer)[\"field\"]");
  EXPECT_EQ(say(object, "repr(b)"),
            "ophion.Buffer({ok: bool, run: int32, place: {x: float32, y: float64}, charges: int16[3], matrix: float32[2][3]}, shape=(2,))");
}

TEST_F(Buffers, LeaveOutMembersWithoutAName) {
  const Buffer buffer(std::vector<tests::SomeMembers>{{1, 2, 3, {}}, {4, 5, 6, {}}});
  EXPECT_EQ(say(buffer, "memoryview(b).format"), "T{=b:a:15x=f:b:12x}");
  EXPECT_EQ(say(buffer, "np.asarray(b).dtype.names"), "('a', 'b')");
  EXPECT_EQ(say(buffer, "np.asarray(b).tolist()"), "[(1, 3.0), (4, 6.0)]");
}

TEST_F(Buffers, HavePackedStructs) {
  const Buffer buffer(std::vector<tests::Packed>{{1, 0.5}, {2, 1.5}});
  EXPECT_EQ(say(buffer, "np.asarray(b).dtype == np.dtype([('a', 'i1'), ('b', 'f8')])"), "True");
  EXPECT_EQ(say(buffer, "np.asarray(b).tolist()"), "[(1, 0.5), (2, 1.5)]");
}

TEST_F(Buffers, ShareOneMemberOfStructs) {
  auto hits = std::make_shared<std::vector<tests::Point>>(std::vector<tests::Point>{{1, 2}, {3, 4}, {5, 6}});
  const Buffer<double> y(Strided<double>::vector(&hits->front().y, hits->size(), sizeof(tests::Point)), hits);
  EXPECT_EQ(say(y, "np.multiply(np.asarray(b), 2, out=np.asarray(b)).tolist()"), "[4.0, 8.0, 12.0]");
  EXPECT_EQ(hits->at(2).y, 12);
  EXPECT_EQ(say(y, "np.from_dlpack(b).tolist()"), "[4.0, 8.0, 12.0]");
}

TEST_F(Buffers, AnswerEveryKeywordOfDlpack) {
  const Buffer<float> buffer(Strided<float>::vector(Buffer<float>::zeros(6).data(), 0), std::make_shared<int>());
  const Buffer<float> numbers(std::vector<float>{1, 2, 3, 4});
  EXPECT_EQ(say(numbers, "b.__dlpack_device__()"), "(1, 0)");
  EXPECT_EQ(say(numbers, "name(b.__dlpack__())"), "dltensor");
  EXPECT_EQ(say(numbers, "name(b.__dlpack__(max_version=None))"), "dltensor");
  EXPECT_EQ(say(numbers, "name(b.__dlpack__(max_version=(0, 8)))"), "dltensor");
  EXPECT_EQ(say(numbers, "name(b.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=False))"), "dltensor_versioned");
  EXPECT_EQ(say(numbers, "name(b.__dlpack__(max_version=(2, 3)))"), "dltensor_versioned");
  EXPECT_EQ(say(numbers, "b.__dlpack__(stream=1)"),
            "BufferError: __dlpack__: memory of the CPU has no streams: expected stream=None, found 1");
  EXPECT_EQ(say(numbers, "b.__dlpack__(dl_device=(2, 0))"),
            "BufferError: __dlpack__: an ophion.Buffer lies in memory of the CPU: expected dl_device=(1, 0), found (2, 0)");
  EXPECT_EQ(say(numbers, "b.__dlpack__(max_version=1)"),
            "TypeError: __dlpack__: expected max_version=None or two whole numbers, found 1");
  EXPECT_THAT(say(numbers, "b.__dlpack__(None)"), HasSubstr("TypeError: __dlpack__() takes"));
  EXPECT_THAT(say(numbers, "b.__dlpack__(speed=1)"), HasSubstr("'speed' is an invalid keyword argument for __dlpack__()"));
  EXPECT_EQ(say(buffer, "np.from_dlpack(b).shape"), "(0,)");
}

TEST_F(Buffers, AreCopiedByDlpackWhereThatIsAskedFor) {
  std::vector<float> numbers{0, 1, 2, 3, 4, 5};
  const Buffer<const float> buffer(Strided<const float>::matrix(numbers.data(), 3, 2, 4, 12), std::make_shared<int>());
  const Object object = buffer.object();
  EXPECT_EQ(say(object, "np.from_dlpack(b, copy=True).tolist()"), "[[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]");
  EXPECT_EQ(say(object, "np.from_dlpack(b, copy=True).flags.writeable"), "True");
  EXPECT_EQ(say(object, "address(np.from_dlpack(b, copy=True)) == address(b)"), "False");
  EXPECT_EQ(say(object, "address(np.from_dlpack(b, copy=False)) == address(b)"), "True");
  EXPECT_EQ(say(object, "name(b.__dlpack__(copy=True))"), "dltensor");
}

TEST_F(Buffers, MayBeEmpty) {
  const Buffer<float> none(std::vector<float>{});
  EXPECT_EQ(say(none, "[np.asarray(b).shape, len(b), bytes(b), np.from_dlpack(b).shape]"), "[(0,), 0, b'', (0,)]");
  const auto wide = Buffer<std::int32_t>::zeros(0, 3);
  EXPECT_EQ(say(wide, "[np.asarray(b).shape, np.from_dlpack(b).shape, np.asarray(OnlyInterface(b)).shape]"), "[(0, 3), (0, 3), (0, 3)]");
}

TEST_F(Buffers, SayWhatTheyAre) {
  const auto buffer = Buffer<std::uint16_t>::zeros(2, 3);
  EXPECT_EQ(say(buffer, "repr(b)"), "ophion.Buffer(uint16, shape=(2, 3))");
  EXPECT_EQ(say(Buffer<const std::uint16_t>(buffer), "repr(b)"), "ophion.Buffer(uint16, shape=(2, 3), read-only)");
  EXPECT_EQ(say(buffer, "[len(b), b.shape, b.dtype]"), "[2, (2, 3), dtype('uint16')]");
  EXPECT_EQ(say(buffer, "b.__array_interface__"),
            "{'version': 3, 'typestr': '<u2', 'descr': [('', '<u2')], 'shape': (2, 3), 'strides': None, 'data': (" + text(buffer.data()) +
                ", False)}");
  EXPECT_EQ(say(buffer, "type(b)()"), "TypeError: cannot create 'ophion.Buffer' instances");
}

TEST_F(Buffers, OfTheirOwnMemoryAreZerosOnACacheLine) {
  const auto buffer = Buffer<double>::zeros(1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
  EXPECT_TRUE(std::all_of(buffer.span().begin(), buffer.span().end(), [](double x) { return x == 0; }));
}

TEST_F(Buffers, KeepTheVectorsMemory) {
  std::vector<int> numbers{1, 2, 3, 4, 5, 6};
  const int* data = numbers.data();
  const Buffer buffer(std::move(numbers), 3, 2);
  EXPECT_EQ(buffer.data(), data);
  EXPECT_EQ(buffer(2, 1), 6);
  EXPECT_EQ(say(buffer, "np.asarray(b).tolist()"), "[[1, 2], [3, 4], [5, 6]]");
}

TEST_F(Buffers, TakeMemoryOfForeignAllocators) {
  const std::shared_ptr<float> allocated(static_cast<float*>(std::malloc(3 * sizeof(float))), std::free);
  std::fill_n(allocated.get(), 3, 1.5f);
  EXPECT_EQ(say(Buffer<float>(std::span<float>(allocated.get(), 3), allocated), "np.asarray(b).sum()"), "4.5");

  auto pool = std::make_shared<std::pmr::unsynchronized_pool_resource>();
  const std::shared_ptr<std::pmr::vector<float>> pooled(new std::pmr::vector<float>({1, 2, 3}, pool.get()),
                                                        [pool](auto* vector) { delete vector; });
  EXPECT_EQ(say(Buffer<float>(std::span<float>(*pooled), pooled), "np.asarray(b).sum()"), "6.0");

  constexpr std::size_t bytes = 4096;
  const std::shared_ptr<void> pages(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                                    [](void* memory) { munmap(memory, bytes); });
  ASSERT_NE(pages.get(), MAP_FAILED);
  const Buffer<double> mapped(Strided<double>::matrix(static_cast<double*>(pages.get()), 64, 8), pages);
  EXPECT_EQ(say(mapped, "np.asarray(b).__setitem__((63, 7), 2.5)"), "None");
  EXPECT_EQ(mapped(63, 7), 2.5);
}

TEST_F(Buffers, RefuseMemoryThatCantBeTheirs) {
  alignas(8) std::array<char, 64> bytes{};
  auto* numbers = reinterpret_cast<float*>(bytes.data());
  const auto keeper = std::make_shared<int>();
  using F = Strided<float>;
  EXPECT_THAT([&] { Buffer<float>(F::vector(numbers, 3), nullptr); },
              ThrowsMessage<Error>("Buffer of float32: expected a keeper of its memory, found none"));
  EXPECT_THAT([&] { Buffer<float>(F::vector(nullptr, 3), keeper); },
              ThrowsMessage<Error>("Buffer of float32: expected memory, found a null pointer"));
  EXPECT_THAT([&] { Buffer<float>(F::vector(reinterpret_cast<float*>(bytes.data() + 1), 3), keeper); },
              ThrowsMessage<Error>(HasSubstr("Buffer of float32: expected an address of a multiple of 4 bytes, found ")));
  EXPECT_THAT([&] { Buffer<float>(F::vector(numbers, 3, 6), keeper); },
              ThrowsMessage<Error>("Buffer of float32: expected a row stride of a multiple of 4 bytes, found 6"));
  EXPECT_THAT([&] { Buffer<float>(F::matrix(numbers, 2, 2, 8, -3), keeper); },
              ThrowsMessage<Error>("Buffer of float32: expected a column stride of a multiple of 4 bytes, found -3"));
  EXPECT_THAT([&] { Buffer<double>::zeros(std::size_t{1} << 40, std::size_t{1} << 40); },
              ThrowsMessage<Error>("Buffer: 1099511627776 x 1099511627776 elements of 8 bytes are more than can be addressed"));
  EXPECT_THAT([] { Buffer(std::vector<int>{1, 2, 3}, 2, 2); }, ThrowsMessage<Error>("Buffer: expected 2 x 2 values, found 3"));
}

}  // namespace
}  // namespace ophion
