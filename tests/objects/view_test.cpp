/// Views: the memory of Python's objects, or why not.
#include "objects/support.h"

#include <cstdint>
#include <vector>

#include <ophion/matrix.h>

namespace view_tests {

struct Point {
  float x;
  double y;
};

}  // namespace view_tests

OPHION_FIELDS(view_tests::Point, x, y);

namespace ophion {
namespace {

using namespace testing_support;

class Views : public PythonTest {};

/// The address that Python says, and the elements.
template <class T>
void expect_view(const std::string& expression, const std::vector<std::remove_const_t<T>>& values) {
  const Object object = make(expression);
  const auto found = view<T>(object);
  EXPECT_EQ(text(found.data()), say(object, "address(b)")) << expression;
  ASSERT_EQ(found.size(), values.size()) << expression;
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(found(i / found.columns(), i % found.columns()), values[i]) << expression;
}

template <class T>
std::string refusal(const std::string& expression) {
  try {
    view<T>(make(expression));
  } catch (const DataError& error) {
    return error.what();
  }
  return "seen";
}

TEST_F(Views, AreTheMemoryOfWhateverHasSome) {
  expect_view<float>("np.array([1, 2, 3], np.float32)", {1, 2, 3});
  expect_view<float>("memoryview(np.array([1, 2, 3], np.float32))", {1, 2, 3});
  expect_view<double>("array.array('d', [1, 2, 3])", {1, 2, 3});
  expect_view<long>("array.array('l', [1, 2, 3])", {1, 2, 3});
  expect_view<const std::uint8_t>("b'abc'", {'a', 'b', 'c'});
  expect_view<std::uint8_t>("bytearray(b'abc')", {'a', 'b', 'c'});
  expect_view<std::int16_t>("(ctypes.c_int16 * 3)(1, 2, 3)", {1, 2, 3});
  expect_view<float>("OnlyStruct(np.array([1, 2, 3], np.float32))", {1, 2, 3});
  expect_view<float>("OnlyInterface(np.array([1, 2, 3], np.float32))", {1, 2, 3});
  expect_view<const float>("OnlyDlpack(np.array([1, 2, 3], np.float32), versions=False)", {1, 2, 3});
  expect_view<float>("OnlyDlpack(np.array([1, 2, 3], np.float32))", {1, 2, 3});
  const Buffer<float> buffer(std::vector<float>{1, 2, 3});
  EXPECT_EQ(view<float>(buffer.object()).data(), buffer.data());
}

TEST_F(Views, AreTheMemoryOfTensorsAndArrowArrays) {
  if (!has_libraries()) GTEST_SKIP() << "PyTorch and pyarrow don't run under a sanitizer";
  expect_view<float>("torch().tensor([1.0, 2.0, 3.0])", {1, 2, 3});
  expect_view<float>("torch().arange(6, dtype=torch().float32).reshape(2, 3).T", {0, 3, 1, 4, 2, 5});
  expect_view<bool>("torch().tensor([True, False])", {true, false});
  expect_view<const std::int8_t>("pyarrow().py_buffer(b'abc')", {'a', 'b', 'c'});
  const Object numbers = make("pyarrow().array([1.0, 2.0, 3.0])");
  EXPECT_EQ(text(view<const double>(numbers).data()), say(numbers, "b.buffers()[1].address"));
  EXPECT_THAT(refusal<const double>("pyarrow().array([1.0, None])"),
              HasSubstr("a view of float64: its __dlpack__ says: "));
  EXPECT_EQ(refusal<float>("torch().tensor([1.0], requires_grad=True)"),
            "a view of float32: its __dlpack__ says: Can't export tensors that require gradient, use tensor.detach()");
  EXPECT_EQ(refusal<float>("torch().tensor([1.0], dtype=torch().bfloat16)"),
            "a view of float32: expected float32, found bfloat16 (torch.Tensor)");
  EXPECT_EQ(refusal<float>("torch().zeros(2, dtype=torch().complex64)"),
            "a view of float32: expected float32, found complex64 (torch.Tensor)");
}

TEST_F(Views, HaveEveryTypeOfNumber) {
  expect_view<bool>("np.array([True, False])", {true, false});
  expect_view<std::int8_t>("np.array([-1, 2], np.int8)", {-1, 2});
  expect_view<std::uint8_t>("np.array([1, 255], np.uint8)", {1, 255});
  expect_view<std::int16_t>("np.array([-1, 2], np.int16)", {-1, 2});
  expect_view<std::uint16_t>("np.array([1, 65535], np.uint16)", {1, 65535});
  expect_view<std::int32_t>("np.array([-1, 2], np.int32)", {-1, 2});
  expect_view<std::uint32_t>("np.array([1, 4294967295], np.uint32)", {1, 4294967295});
  expect_view<std::int64_t>("np.array([-1, 2], np.int64)", {-1, 2});
  expect_view<long long>("np.array([-1, 2], np.int64)", {-1, 2});
  expect_view<std::int64_t>("np.array([-1, 2], np.longlong)", {-1, 2});
  expect_view<std::uint64_t>("np.array([1, 2], np.uint64)", {1, 2});
  expect_view<double>("np.array([0.1, 2])", {0.1, 2});
}

TEST_F(Views, HaveAnyStrides) {
  expect_view<float>("np.arange(6, dtype=np.float32)[::2]", {0, 2, 4});
  expect_view<float>("np.arange(6, dtype=np.float32)[::-1]", {5, 4, 3, 2, 1, 0});
  expect_view<float>("np.arange(6, dtype=np.float32).reshape(2, 3)", {0, 1, 2, 3, 4, 5});
  expect_view<float>("np.arange(6, dtype=np.float32).reshape(2, 3).T", {0, 3, 1, 4, 2, 5});
  expect_view<float>("memoryview(np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2])", {0, 2, 3, 5});
  expect_view<const float>("np.broadcast_to(np.float32([1, 2]), (2, 2))", {1, 2, 1, 2});
  const auto flat = view<float>(make("np.arange(6, dtype=np.float32)"));
  EXPECT_EQ(flat.dimensions(), 1);
  EXPECT_TRUE(flat.contiguous());
  EXPECT_EQ(flat.span()[5], 5);
  const auto columns = view<float>(make("np.arange(6, dtype=np.float32).reshape(2, 3).T"));
  EXPECT_EQ(columns.dimensions(), 2);
  EXPECT_EQ(columns.rows(), 3u);
  EXPECT_EQ(columns.columns(), 2u);
  EXPECT_EQ(columns.column(1)[2], 5);
  EXPECT_EQ(columns.row(2)[1], 5);
  EXPECT_EQ(columns.column(1).span()[0], 3);
  const MatrixView matrix = columns;
  EXPECT_EQ(matrix.at(2, 1), 5);
  EXPECT_EQ(matrix.data(), columns.data());
  EXPECT_THAT([&] { columns.span(); },
              ThrowsMessage<DataError>("a span of float32: expected elements one after the other, found strides of 4 and 12 bytes in 3 x 2 elements"));
}

TEST_F(Views, MayBeEmpty) {
  EXPECT_EQ(view<const std::uint8_t>(make("b''")).size(), 0u);
  EXPECT_EQ(view<float>(make("np.empty((0, 3), np.float32)")).columns(), 3u);
  EXPECT_TRUE(view<float>(make("np.empty((4, 0), np.float32)")).span().empty());
}

TEST_F(Views, ReachPythonWhenTheyAreWritten) {
  const Object array = make("np.zeros((2, 2))");
  view<double>(array)(1, 0) = 3;
  EXPECT_EQ(say(array, "b.tolist()"), "[[0.0, 0.0], [3.0, 0.0]]");
}

TEST_F(Views, HaveStructs) {
  const std::string values = "np.array([(1, 2), (3, 4)], np.dtype([('x', 'f4'), ('y', 'f8')], align=True))";
  for (const std::string& expression : {values, "memoryview(" + values + ")"}) {
    const auto points = view<view_tests::Point>(make(expression));
    EXPECT_EQ(points[1].x, 3) << expression;
    EXPECT_EQ(points[1].y, 4) << expression;
  }
  const Buffer<view_tests::Point> buffer(std::vector<view_tests::Point>{{1, 2}});
  EXPECT_EQ(view<view_tests::Point>(buffer.object()).data(), buffer.data());
  EXPECT_EQ(refusal<view_tests::Point>("np.zeros(2, [('x', 'f4'), ('y', 'f8')])"),
            "a view of {x: float32, y: float64}: expected {x: float32, y: float64}, found [('x', '<f4'), ('y', '<f8')] (numpy.ndarray)");
  EXPECT_THAT(refusal<view_tests::Point>("np.zeros(2, np.dtype([('x', 'f4'), ('z', 'f8')], align=True))"), HasSubstr("'z'"));
  EXPECT_EQ(refusal<view_tests::Point>("np.zeros(2)"),
            "a view of {x: float32, y: float64}: expected {x: float32, y: float64}, found float64 (numpy.ndarray)");
}

TEST_F(Views, OfOtherElementsAreRefused) {
  EXPECT_EQ(refusal<float>("np.zeros((3, 2))"), "a view of float32: expected float32, found float64 (numpy.ndarray)");
  EXPECT_EQ(refusal<float>("np.zeros(3, np.float16)"), "a view of float32: expected float32, found float16 (numpy.ndarray)");
  EXPECT_EQ(refusal<int>("np.zeros(3, np.uint32)"), "a view of int32: expected int32, found uint32 (numpy.ndarray)");
  EXPECT_EQ(refusal<std::int64_t>("np.zeros(3, 'm8[s]')"), "a view of int64: expected int64, found timedelta64[s] (numpy.ndarray)");
  EXPECT_EQ(refusal<double>("np.array(['a'])"), "a view of float64: expected float64, found <U1 (numpy.ndarray)");
  EXPECT_EQ(refusal<float>("array.array('d', [1])"), "a view of float32: expected float32, found float64 (array.array)");
  EXPECT_EQ(refusal<const float>("b'abcd'"), "a view of float32: expected float32, found uint8 (bytes)");
  EXPECT_EQ(refusal<float>("memoryview(np.zeros(3, np.complex64))"),
            "a view of float32: expected float32, found elements of the format 'Zf' (memoryview)");
  EXPECT_EQ(refusal<double>("OnlyDlpack(np.zeros(3, np.float32))"),
            "a view of float64: expected float64, found float32 (borrowers.OnlyDlpack)");
}

TEST_F(Views, OfTheOtherByteOrderAreRefused) {
  EXPECT_EQ(refusal<float>("np.zeros(3, '>f4')"), "a view of float32: expected float32, found >f4 (numpy.ndarray)");
  EXPECT_EQ(refusal<float>("memoryview(np.zeros(3, '>f4'))"),
            "a view of float32: expected this machine's byte order, found float32 in the other (memoryview)");
  expect_view<std::int8_t>("np.zeros(1, '>i1')", {0});
}

TEST_F(Views, OfOtherDimensionsAreRefused) {
  EXPECT_EQ(refusal<double>("np.zeros((2, 2, 2))"), "a view of float64: expected 1 or 2 dimensions, found 3 (numpy.ndarray)");
  EXPECT_EQ(refusal<double>("np.array(1.0)"), "a view of float64: expected 1 or 2 dimensions, found 0 (numpy.ndarray)");
  EXPECT_EQ(refusal<double>("memoryview(np.zeros((2, 2, 2)))"), "a view of float64: expected 1 or 2 dimensions, found 3 (memoryview)");
}

TEST_F(Views, OfMisalignedMemoryAreRefused) {
  EXPECT_THAT(refusal<float>("np.frombuffer(bytearray(17), np.float32, 3, 1)"),
              HasSubstr("a view of float32: expected elements aligned to 4 bytes, found an address of "));
  EXPECT_THAT(refusal<double>("np.zeros(3, [('a', 'i1'), ('b', 'f8')])['b']"), HasSubstr("strides of 9 and 0 (numpy.ndarray)"));
  expect_view<double>("np.zeros((1, 8), 'i1').view('f8')[:, :1]", {0});  // strides of single rows may be anything
}

TEST_F(Views, OfReadOnlyMemoryMustBeOfConstElements) {
  EXPECT_EQ(refusal<double>("np.broadcast_to(1.0, 3)"),
            "a view of float64: expected memory that may be written, found read-only memory, of which there are views of const elements "
            "(numpy.ndarray)");
  EXPECT_THAT(refusal<std::uint8_t>("b'abc'"), HasSubstr("expected memory that may be written"));
  EXPECT_THAT(refusal<float>("OnlyDlpack(np.zeros(3, np.float32), versions=False)"), HasSubstr("expected memory that may be written"));
  const Object buffer = Buffer<const float>(Buffer<float>::zeros(3)).object();
  EXPECT_THROW(view<float>(buffer), DataError);
  EXPECT_EQ(view<const float>(buffer).size(), 3u);
}

TEST_F(Views, OfGpuMemoryAreRefused) {
  EXPECT_EQ(refusal<float>("OnlyDlpack(np.zeros(3, np.float32), device=(2, 1))"),
            "a view of float32: expected memory of this processor, which .cpu() or the like copies to, found memory of CUDA device 1 "
            "(borrowers.OnlyDlpack)");
  EXPECT_THAT(refusal<float>("OnlyDlpack(np.zeros(3, np.float32), device=(10, 0))"), HasSubstr("found memory of ROCm device 0"));
  EXPECT_THAT(refusal<float>("OnlyDlpack(np.zeros(3, np.float32), device=(8, 0))"), HasSubstr("found memory of DLPack's device (8, 0)"));
  EXPECT_EQ(refusal<float>("OnCuda()"), "a view of float32: expected memory of this processor, found memory of a CUDA device (borrowers.OnCuda)");
}

TEST_F(Views, OfWhatIsNoArrayAreRefused) {
  const std::string expected =
      "a view of float32: expected an array (buffer protocol, DLPack, __array_struct__ or __array_interface__), as numpy.asarray makes one, "
      "found an object that is none ";
  const auto references = [] { return Py_REFCNT(Py_NotImplemented); };
  const auto before = references();
  EXPECT_EQ(refusal<float>("[1.0, 2.0]"), expected + "(list)");
  EXPECT_EQ(references(), before);
  EXPECT_EQ(refusal<float>("'text'"), expected + "(str)");
  EXPECT_EQ(refusal<float>("None"), expected + "(NoneType)");
  EXPECT_THAT([] { view<float>(Object()); },
              ThrowsMessage<DataError>("a view of float32: expected an array, found an empty ophion::Object"));
}

}  // namespace
}  // namespace ophion
