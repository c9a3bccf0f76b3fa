/// Networks: known answers, every activation, every build of the kernels, and steps that can't be.
#include "network.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace ophion::native {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NetworkStep dense(std::size_t inputs, std::size_t outputs, std::vector<float> weights, std::vector<float> bias) {
  NetworkStep step;
  step.inputs = inputs;
  step.outputs = outputs;
  step.weights = std::move(weights);
  step.bias = std::move(bias);
  return step;
}

NetworkStep activation(Activation which, double parameter = 0) {
  NetworkStep step;
  step.kind = NetworkStep::Kind::activation;
  step.activation = which;
  step.parameter = parameter;
  return step;
}

NetworkStep add(std::int32_t from) {
  NetworkStep step;
  step.kind = NetworkStep::Kind::add;
  step.from = from;
  return step;
}

std::vector<float> scores_of(const Network& network, const std::vector<float>& rows) {
  std::vector<float> scores(rows.size() / network.features() * network.outputs());
  network.score(rows.data(), static_cast<std::ptrdiff_t>(network.features()), 1, rows.size() / network.features(), scores.data());
  return scores;
}

TEST(Network, MultipliesAndAdds) {
  const Network network({dense(2, 3, {1, 2, 3, 4, 5, 6}, {0, 10, 100})}, 2, Link::identity);
  EXPECT_THAT(scores_of(network, {1, 1, 0, -1}), ElementsAre(3, 17, 111, -2, 6, 94));
}

TEST(Network, AddsEarlierResultsAndTheInput) {
  const Network network({dense(1, 1, {2}, {0}), activation(Activation::relu), dense(1, 1, {10}, {0}), add(1), add(-1)}, 1, Link::identity);
  EXPECT_THAT(scores_of(network, {3, -3}), ElementsAre(60 + 6 + 3, 0 + 0 - 3));
}

TEST(Network, GivesProbabilitiesToFloatsResolutionOnEveryInstructionSet) {
  std::vector<float> sums{0.0f, -0.0f, 1e-30f, 88.0f, -86.0f, 1000.0f, -1000.0f, std::numeric_limits<float>::infinity()};
  for (int i = -2000; i <= 2000; ++i) sums.push_back(static_cast<float>(i) * 0.0173f);
  for (const Isa isa : {Isa::generic, Isa::avx2, Isa::avx512}) {
    if (!has_isa(isa)) continue;
    const Network network({dense(1, 1, {1}, {0})}, 1, Link::logistic, isa);
    const std::vector<float> found = scores_of(network, sums);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double expected = 1 / (1 + std::exp(-double{sums[i]}));
      EXPECT_NEAR(found[i], expected, 2.4e-7 * expected + 2e-38) << sums[i];
    }
    for (std::size_t i = 0; i < sums.size(); i += 7) ASSERT_EQ(scores_of(network, {sums[i]})[0], found[i]) << "alone: " << sums[i];
    EXPECT_TRUE(std::isnan(scores_of(network, {std::numeric_limits<float>::quiet_NaN()})[0]));
    EXPECT_TRUE(std::isnan(scores_of(network, std::vector<float>(40, std::numeric_limits<float>::quiet_NaN()))[3]));
  }
}

TEST(Network, KeepsAResultThatIsAddedLaterFromBeingWrittenOver) {
  const Network network({dense(1, 1, {1}, {0}), activation(Activation::relu), add(0)}, 1, Link::identity);
  EXPECT_THAT(scores_of(network, {-3, 2}), ElementsAre(-3, 4));
}

/// What `steps` of dense layers, relu and sums give, by plain loops.
std::vector<double> by_plain_loops(const std::vector<NetworkStep>& steps, const std::vector<float>& event) {
  std::vector<std::vector<double>> results{{event.begin(), event.end()}};
  for (const NetworkStep& step : steps) {
    std::vector<double> now = results.back();
    if (step.kind == NetworkStep::Kind::dense) {
      now.assign(step.bias.begin(), step.bias.end());
      for (std::size_t o = 0; o < step.outputs; ++o) {
        for (std::size_t i = 0; i < step.inputs; ++i) now[o] += double{step.weights[o * step.inputs + i]} * results.back()[i];
      }
    } else if (step.kind == NetworkStep::Kind::add) {
      for (std::size_t i = 0; i < now.size(); ++i) now[i] += results[static_cast<std::size_t>(step.from + 1)][i];
    } else {
      for (double& number : now) number = std::max(0.0, number);
    }
    results.push_back(now);
  }
  return results.back();
}

std::vector<float> random_numbers(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.3f);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

TEST(Network, WritesOverNoResultThatIsStillWanted) {
  const auto layer = [](std::size_t in, std::size_t out, unsigned seed) {
    return dense(in, out, random_numbers(in * out, seed), random_numbers(out, seed + 1));
  };
  const NetworkStep relu = activation(Activation::relu);
  const std::vector<NetworkStep> steps{layer(20, 40, 1), relu, layer(40, 40, 3), relu, add(1),  layer(40, 40, 5), add(4),         relu,
                                       layer(40, 20, 7), add(-1), relu, layer(20, 3, 9), relu, layer(3, 20, 11), add(10), layer(20, 2, 13)};
  const Network network(steps, 20, Link::identity);
  const std::vector<float> events = random_numbers(20 * 70, 20);
  const std::vector<float> scores = scores_of(network, events);
  for (std::size_t r = 0; r < 70; ++r) {
    const float* const event = events.data() + r * 20;
    const std::vector<double> expected = by_plain_loops(steps, {event, event + 20});
    for (std::size_t o = 0; o < 2; ++o) ASSERT_NEAR(scores[r * 2 + o], expected[o], 2e-4) << r << "," << o;
  }
}

TEST(Network, TakesEventsThatLieColumnByColumn) {
  const Network network({dense(20, 10, random_numbers(200, 1), random_numbers(10, 2)), activation(Activation::relu),
                         dense(10, 1, random_numbers(10, 3), {0})},
                        20, Link::logistic);
  const std::vector<float> rows = random_numbers(20 * 200, 4);
  std::vector<float> columns(rows.size()), scores(200);
  for (std::size_t r = 0; r < 200; ++r) {
    for (std::size_t j = 0; j < 20; ++j) columns[j * 200 + r] = rows[r * 20 + j];
  }
  network.score(columns.data(), 1, 200, 200, scores.data());
  EXPECT_EQ(scores, scores_of(network, rows));
}

/// In whatever lane or company a number stands that is none, or infinite: it spoils its own event alone.
TEST(Network, PassesOnWhatIsNotFinite) {
  const float none = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : {Isa::generic, Isa::avx2, Isa::avx512}) {
    if (!has_isa(isa)) continue;
    for (const std::size_t inputs : {3u, 20u, 40u}) {
      for (const std::size_t outputs : {2u, 20u}) {
        const std::vector<float> weights(inputs * outputs, 1.0f), bias(outputs, 0.0f);
        const Network network({dense(inputs, outputs, weights, bias), activation(Activation::relu)}, inputs, Link::identity, isa);
        for (const std::size_t rows : {1u, 5u, 40u}) {
          for (std::size_t place = 0; place < inputs; ++place) {
            for (const float number : {none, infinity, -infinity}) {
              std::vector<float> events(rows * inputs, 1.0f);
              events[rows / 2 * inputs + place] = number;
              const std::vector<float> scores = scores_of(network, events);
              const float spoilt = scores[rows / 2 * outputs + outputs - 1];
              if (std::isnan(number)) {
                ASSERT_TRUE(std::isnan(spoilt)) << name_of(isa) << inputs << "," << outputs << "," << rows << "," << place;
              } else {
                ASSERT_EQ(spoilt, std::max(0.0f, number)) << name_of(isa) << inputs << "," << outputs << "," << rows << "," << place;
              }
              if (rows > 1) {
                ASSERT_EQ(scores[0], static_cast<float>(inputs));
              }
            }
          }
        }
      }
    }
  }
}

TEST(Network, PutsItsNumbersThroughTheLink) {
  EXPECT_FLOAT_EQ(scores_of(Network({dense(1, 1, {1}, {0})}, 1, Link::logistic), {std::log(3.0f)})[0], 0.75f);
  const std::vector<float> shares = scores_of(Network({dense(1, 2, {1, 0}, {0, 0})}, 1, Link::softmax), {std::log(4.0f), 1000});
  EXPECT_FLOAT_EQ(shares[0], 0.8f);
  EXPECT_FLOAT_EQ(shares[1], 0.2f);
  EXPECT_FLOAT_EQ(shares[2], 1.0f);
}

struct Known {
  std::string name;
  Activation activation;
  double parameter;
  float below, above;  // at -0.5 and 1.5, by PyTorch 2.13
};

class Activations : public testing::TestWithParam<Known> {};

TEST_P(Activations, AreThoseOfPyTorch) {
  const Network network({activation(GetParam().activation, GetParam().parameter)}, 1, Link::identity);
  const std::vector<float> scores = scores_of(network, {-0.5f, 1.5f});
  EXPECT_FLOAT_EQ(scores[0], GetParam().below);
  EXPECT_FLOAT_EQ(scores[1], GetParam().above);
}

INSTANTIATE_TEST_SUITE_P(With, Activations,
                         testing::Values(Known{"Relu", Activation::relu, 0, 0.0f, 1.5f},
                                         Known{"LeakyRelu", Activation::leaky_relu, 0.1, -0.0500000007f, 1.5f},
                                         Known{"Elu", Activation::elu, 0.7, -0.275428534f, 1.5f},
                                         Known{"Selu", Activation::selu, 0, -0.691758156f, 1.57605147f},
                                         Known{"Gelu", Activation::gelu, 0, -0.154268771f, 1.39978909f},
                                         Known{"GeluTanh", Activation::gelu_tanh, 0, -0.154285997f, 1.39957154f},
                                         Known{"Silu", Activation::silu, 0, -0.188770339f, 1.22636163f},
                                         Known{"Tanh", Activation::tanh, 0, -0.462117165f, 0.905148268f},
                                         Known{"Sigmoid", Activation::sigmoid, 0, 0.377540678f, 0.817574441f},
                                         Known{"Softplus", Activation::softplus, 2, 0.156630844f, 1.52429366f}),
                         [](const auto& test) { return test.param.name; });

TEST(Network, TakesTheSoftmaxOfAnEventsNumbers) {
  const Network network({activation(Activation::softmax)}, 2, Link::identity);
  EXPECT_THAT(scores_of(network, {std::log(4.0f), 0}), ElementsAre(testing::FloatEq(0.8f), testing::FloatEq(0.2f)));
}

/// Every build of the kernels that this processor has, on layers of widths around those of vectors and panels.
class Builds : public testing::TestWithParam<std::tuple<Isa, int, int>> {};

TEST_P(Builds, ScoreAsPlainLoopsDo) {
  const auto [isa, inputs, outputs] = GetParam();
  if (!has_isa(isa)) GTEST_SKIP() << "this processor has no " << name_of(isa);
  const auto n = static_cast<std::size_t>(inputs), m = static_cast<std::size_t>(outputs);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> weights(n * m), bias(m);
  for (float& number : weights) number = normal(random);
  for (float& number : bias) number = normal(random);
  const Network network({dense(n, m, weights, bias), activation(Activation::relu)}, n, Link::identity, isa);
  for (const std::size_t rows : {1u, 2u, 6u, 11u, 49u, 130u}) {
    std::vector<float> events(rows * n);
    for (float& number : events) number = normal(random);
    const std::vector<float> scores = scores_of(network, events);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::vector<float> alone = scores_of(network, {events.begin() + static_cast<std::ptrdiff_t>(r * n), events.begin() + static_cast<std::ptrdiff_t>((r + 1) * n)});
      for (std::size_t o = 0; o < m; ++o) {
        ASSERT_EQ(alone[o], scores[r * m + o]) << "a row alone";
        double sum = bias[o];
        for (std::size_t i = 0; i < n; ++i) sum += double{weights[o * n + i]} * double{events[r * n + i]};
        ASSERT_NEAR(scores[r * m + o], std::max(0.0, sum), 1e-5 * std::sqrt(static_cast<double>(n))) << name_of(isa) << r << "," << o;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Builds,
                         testing::Combine(testing::Values(Isa::generic, Isa::avx2, Isa::avx512), testing::Values(1, 28, 65),
                                          testing::Values(1, 8, 31, 33, 49, 100, 300)));

struct WrongNetwork {
  std::string name;
  std::vector<NetworkStep> steps;
  std::string says;
};

class NetworksThatCanNotBe : public testing::TestWithParam<WrongNetwork> {};

TEST_P(NetworksThatCanNotBe, AreRefused) {
  EXPECT_THAT([&] { Network network(GetParam().steps, 2, Link::identity); },
              testing::ThrowsMessage<std::invalid_argument>(HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    With, NetworksThatCanNotBe,
    testing::Values(WrongNetwork{"Nothing", {}, "no steps"}, WrongNetwork{"Width", {dense(3, 1, {1, 1, 1}, {0})}, "step 0 takes 3 numbers, but gets 2"},
                    WrongNetwork{"Shape", {dense(2, 1, {1, 1, 1}, {0})}, "weights or a bias of another shape"},
                    WrongNetwork{"Bias", {dense(2, 1, {1, 1}, {})}, "weights or a bias of another shape"},
                    WrongNetwork{"Weight", {dense(2, 1, {1, std::nanf("")}, {0})}, "step 0 has a weight that is not finite"},
                    WrongNetwork{"Later", {add(0)}, "step 0 adds what is not there yet"}, WrongNetwork{"Before", {add(-2)}, "step 0 adds what is not there yet"},
                    WrongNetwork{"Sum", {dense(2, 1, {1, 1}, {0}), add(-1)}, "step 1 adds 2 numbers to 1"},
                    WrongNetwork{"Parameter", {activation(Activation::elu, std::nan(""))}, "a parameter that is not finite"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ophion::native
