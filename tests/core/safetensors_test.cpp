/// The safetensors format: what others wrote is read, what can't be is refused.
#include "safetensors.h"

#include <cstdint>
#include <cstring>
#include <random>

#include <gmock/gmock.h>

#include <ophion/error.h>

#include "core/error_of.h"
#include "slow_tests.h"

using namespace ophion;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::string safetensors_of(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

std::string safetensors_refusal(const std::string& header, const std::string& data) {
  return error_of<ModelError>([&] { read_safetensors(safetensors_of(header, data), "t.safetensors"); });
}

// safetensors.numpy.save({"b": float32 [[1, 2, 3]], "a": float64 [0.5], "n": int64 [-7]}) of safetensors 0.6
const std::string by_python = safetensors_of(
    R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"n":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"b":{"dtype":"F32","shape":[1,3],"data_offsets":[16,28]}})",
    std::string("\0\0\0\0\0\0\xe0\x3f", 8) + std::string("\xf9\xff\xff\xff\xff\xff\xff\xff", 8) +
        std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12));

}  // namespace

TEST(Safetensors, ReadsWhatPythonWrote) {
  const auto tensors = read_safetensors(by_python, "p");
  EXPECT_EQ(tensors.size(), 3u);
  EXPECT_THAT(tensors.at("b").shape, ElementsAre(1, 3));
  EXPECT_THAT(floats_of(tensors.at("b")), ElementsAre(1.0f, 2.0f, 3.0f));
  EXPECT_THAT(doubles_of(tensors.at("a")), ElementsAre(0.5));
  EXPECT_THAT(doubles_of(tensors.at("n")), ElementsAre(-7.0));
}

TEST(Safetensors, GivesBackWhatItWroteAndTheSameBytesAgain) {
  const std::vector<float> floats{1.5f, -2.0f};
  const std::vector<double> doubles{0.1, 0.2, 0.3, 0.4};
  const std::map<std::string, Tensor> tensors{{"x", make_tensor(floats, {2})}, {"y", make_tensor(doubles, {2, 2})}, {"z", make_tensor(floats, {2, 1})}};
  const std::string bytes = write_safetensors(tensors);
  EXPECT_EQ(write_safetensors(tensors), bytes);
  const auto again = read_safetensors(bytes, "t");
  EXPECT_EQ(floats_of(again.at("x")), floats);
  EXPECT_EQ(doubles_of(again.at("y")), doubles);
  EXPECT_THAT(again.at("y").shape, ElementsAre(2, 2));
  EXPECT_EQ(write_safetensors(again), bytes);
}

TEST(Safetensors, AlignsTheDataToEightBytes) {
  const std::vector<float> one{1};
  const std::string bytes = write_safetensors({{"a_name_of_odd_length", make_tensor(one, {1})}});
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0u);
}

TEST(Safetensors, KeepsAnEmptyTensor) {
  const auto again = read_safetensors(write_safetensors({{"none", make_tensor(std::span<const float>(), {0, 3})}}), "t");
  EXPECT_THAT(again.at("none").shape, ElementsAre(0, 3));
  EXPECT_TRUE(read_safetensors(write_safetensors({}), "t").empty());
}

TEST(Safetensors, RefusesAShapeThatDoesNotFit) {
  const std::vector<float> three{1, 2, 3};
  EXPECT_THAT(error_of<ModelError>([&] { make_tensor(three, {2, 2}); }), HasSubstr("another number of values than the 3 given"));
}

TEST(Safetensors, NamesWhatIsWrongWithAHeader) {
  const std::string four(4, '\0');
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", four), HasSubstr("t.safetensors: tensor 'a': type 'F16' is not one of"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four), HasSubstr("its shape doesn't fit its bytes"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", ""), HasSubstr("doesn't fit"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", four), HasSubstr("expected at least 0, found -4"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", four), HasSubstr("no begin and end"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[1]}})", four), HasSubstr("data_offsets"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", four), HasSubstr("tensor 'a' is cut off"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four + "x"), HasSubstr("bytes that belong to no tensor"));
  EXPECT_THAT(safetensors_refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four),
              HasSubstr("overlaps"));
  EXPECT_THAT(safetensors_refusal("[1]", ""), HasSubstr("t.safetensors: "));
  EXPECT_THAT(error_of<ModelError>([] { read_safetensors("1234567", "t"); }), HasSubstr("cut off before its header"));
  EXPECT_THAT(error_of<ModelError>([] { read_safetensors(std::string(8, '\xff') + "{}", "t"); }), HasSubstr("cut off in its header"));
}

TEST(Safetensors, EitherReadsOrRefusesWhateverIsDamaged) {
  std::mt19937 random(1);
  const int times = times_in_a_moment(20'000);
  int refused = 0;
  for (int i = 0; i < times; ++i) {
    std::string bytes = by_python.substr(0, random() % 4 == 0 ? random() % by_python.size() : by_python.size());
    for (unsigned k = random() % 4; k-- > 0 && !bytes.empty();) bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      for (const auto& [name, tensor] : read_safetensors(bytes, "t")) doubles_of(tensor);
    } catch (const ModelError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, times / 20);
}
