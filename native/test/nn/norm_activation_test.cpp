// The fused BatchNorm and activation against LibTorch's two operations in float64, against finite
// differences, and against itself with other threads.
#include "nn/norm_activation.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "kernels/cpu/table.h"
#include "tensor/philox.h"

namespace selfgrad {
namespace {

struct NormCase {
  std::vector<int64_t> shape;
  at::ScalarType storage;
  Activation activation;
  bool training;
};

void PrintTo(const NormCase& c, std::ostream* out) {
  *out << at::IntArrayRef(c.shape) << " " << at::toString(c.storage)
       << (c.activation == Activation::kRelu ? " relu" : " silu")
       << (c.training ? " batch statistics" : " running statistics");
}

at::Tensor draws(at::IntArrayRef shape, uint32_t number, double low, double high) {
  const at::Tensor indices = at::arange(shape[0], at::kLong);
  return uniform({.seed = 7, .purpose = Purpose::kInit, .round = number}, indices, shape.slice(1), low, high)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

std::shared_ptr<BatchNorm2d> make_norm(int64_t channels, bool training) {
  auto norm = std::make_shared<BatchNorm2d>(channels);
  const at::NoGradGuard no_grad;
  const at::Tensor steps = at::arange(channels, at::kFloat);
  norm->weight().copy_(1.0 + 0.5 * at::sin(steps));
  norm->bias().copy_(0.3 * at::sin(steps * 1.7));
  norm->running_mean().copy_(0.2 * at::sin(steps * 0.9));
  norm->running_var().copy_(1.2 + at::sin(steps * 2.3));
  norm->train(training);
  return norm;
}

/// Output, gradients at x, weight and bias, running statistics.
struct Outcome {
  at::Tensor y;
  std::vector<at::Tensor> gradients;
  at::Tensor mean, variance;
};

template <class Forward>
Outcome outcome_of(const NormCase& c, at::ScalarType storage, at::ScalarType parameters,
                   const Forward& forward, double centre = 0) {
  auto norm = make_norm(c.shape[1], c.training);
  norm->to(parameters);
  const at::Tensor x = (draws(c.shape, 0, -2, 2) + centre).to(c.storage).to(storage).requires_grad_();
  const at::Tensor gy = draws(c.shape, 1, -1, 1).to(c.storage).to(storage);
  const at::Tensor y = forward(*norm, x);
  auto gradients = torch::autograd::grad({y}, {x, norm->weight(), norm->bias()}, {gy});
  return {y.detach(), gradients, norm->running_mean(), norm->running_var()};
}

Outcome fused(const NormCase& c, double centre = 0) {
  return outcome_of(
      c, c.storage, at::kFloat,
      [&](BatchNorm2d& norm, const at::Tensor& x) { return norm_activation(norm, c.activation, x); }, centre);
}

Outcome exact(const NormCase& c, double centre = 0) {
  return outcome_of(
      c, at::kDouble, at::kDouble,
      [&](BatchNorm2d& norm, const at::Tensor& x) { return activate(c.activation, norm.forward(x)); },
      centre);
}

/// The largest difference as a share of the largest value.
double share(const at::Tensor& found, const at::Tensor& expected) {
  const double size = expected.abs().max().item<double>();
  const double difference = (found.to(at::kDouble) - expected).abs().max().item<double>();
  return size > 0 ? difference / size : difference;
}

class NormActivationCase : public ::testing::TestWithParam<NormCase> {};

TEST_P(NormActivationCase, AgreesWithTheTwoOperationsInFloat64) {
  const NormCase& c = GetParam();
  const Outcome found = fused(c), expected = exact(c);
  // bfloat16 keeps 8 bits: half a unit of the output's rounding, and as much of the stored gradient's.
  const double tolerance = c.storage == at::kFloat ? 2e-5 : 8e-3;
  EXPECT_EQ(found.y.scalar_type(), c.storage);
  EXPECT_LE(share(found.y, expected.y), tolerance);
  const char* names[] = {"x", "weight", "bias"};
  for (size_t i = 0; i < 3; ++i) {
    const double off = share(found.gradients[i], expected.gradients[i]);
    RecordProperty(names[i], std::to_string(off));
    EXPECT_LE(off, tolerance) << "gradient at " << names[i];
  }
  EXPECT_LE(share(found.mean, expected.mean), 1e-6);
  EXPECT_LE(share(found.variance, expected.variance), 1e-6);
}

std::vector<NormCase> cases() {
  std::vector<NormCase> all;
  const std::vector<std::vector<int64_t>> shapes{{4, 16, 8, 8},  {3, 64, 5, 7},   {2, 7, 3, 3},
                                                 {5, 1, 4, 4},   {6, 48, 1, 1},   {9, 3, 33, 31},
                                                 {2, 130, 6, 5}, {64, 16, 32, 32}};
  for (const auto& shape : shapes)
    for (const auto storage : {at::kFloat, at::kBFloat16})
      for (const auto activation : {Activation::kRelu, Activation::kSilu})
        for (const bool training : {true, false})
          all.push_back({shape, storage, activation, training});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Shapes, NormActivationCase, ::testing::ValuesIn(cases()));

TEST(NormActivation, KeepsItsPrecisionFarFromZero) {
  const NormCase c{{4, 16, 16, 16}, at::kFloat, Activation::kSilu, true};
  const Outcome found = fused(c, 1000), expected = exact(c, 1000);
  EXPECT_LE(share(found.variance, expected.variance), 1e-5);
  EXPECT_LE(share(found.y, expected.y), 1e-3);  // float32 has 6e-5 left at 1000
  EXPECT_LE(share(found.gradients[0], expected.gradients[0]), 1e-3);
}

TEST(NormActivation, GradientIsTheSlopeOfTheLoss) {
  for (const bool training : {true, false}) {
    auto norm = make_norm(5, training);
    const std::vector<int64_t> shape{3, 5, 4, 3};
    const at::Tensor x = draws(shape, 0, -2, 2), gy = draws(shape, 1, -1, 1),
                     direction = draws(shape, 2, -1, 1);
    const auto loss = [&](const at::Tensor& at) {
      return (norm_activation(*norm, Activation::kSilu, at).to(at::kDouble) * gy).sum();
    };
    const at::Tensor leaf = x.clone().requires_grad_();
    const at::Tensor gradient = torch::autograd::grad({loss(leaf)}, {leaf})[0];
    const double h = 1e-2;
    const at::NoGradGuard no_grad;
    const double slope = (loss(x + h * direction) - loss(x - h * direction)).item<double>() / (2 * h);
    EXPECT_NEAR((gradient.to(at::kDouble) * direction).sum().item<double>(), slope, 2e-3 * std::abs(slope));
  }
}

TEST(NormActivation, GradientOfTheGradientIsThatOfTheTwoOperations) {
  for (const bool training : {true, false}) {
    const std::vector<int64_t> shape{3, 5, 4, 3};
    const at::Tensor direction = draws(shape, 2, -1, 1);
    const auto second = [&](bool use_fused) {
      auto norm = make_norm(5, training);
      const at::Tensor x = draws(shape, 0, -2, 2).requires_grad_();
      const at::Tensor y = use_fused ? norm_activation(*norm, Activation::kSilu, x)
                                     : activate(Activation::kSilu, norm->forward(x));
      const at::Tensor first =
          torch::autograd::grad({y.square().sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
      return torch::autograd::grad({(first * direction).sum()}, {x, norm->weight(), norm->bias()});
    };
    const auto found = second(true), expected = second(false);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_LE(share(found[i], expected[i].to(at::kDouble)), 1e-5);
  }
}

TEST(NormActivation, DoesNotDependOnThreadsOrMemoryLayout) {
  const int before = at::get_num_threads();
  const NormCase c{{64, 16, 32, 32}, at::kFloat, Activation::kSilu, true};
  at::set_num_threads(1);
  const Outcome one = fused(c);
  at::set_num_threads(3);
  const Outcome three = fused(c);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one.y, three.y));
  for (size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(one.gradients[i], three.gradients[i]));
  auto norm = make_norm(16, true);
  const at::Tensor planes = draws(c.shape, 0, -2, 2).contiguous();
  EXPECT_TRUE(at::equal(norm_activation(*norm, c.activation, planes), one.y));
}

TEST(NormActivation, NanStaysInItsChannel) {
  auto norm = make_norm(2, true);
  at::Tensor x = draws({2, 2, 3, 3}, 0, -1, 1);
  x.select(0, 0).select(0, 1).fill_(std::numeric_limits<float>::quiet_NaN());
  for (const auto activation : {Activation::kRelu, Activation::kSilu}) {
    const at::Tensor y = norm_activation(*norm, activation, x);
    EXPECT_FALSE(y.select(1, 0).isnan().any().item<bool>());
    EXPECT_TRUE(y.select(1, 1).isnan().all().item<bool>());
  }
}

}  // namespace
}  // namespace selfgrad
