// Image by image a network computes what it computes for a batch, and so do its gradients.
#include "nn/frozen_network.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <atomic>
#include <string>

#include "nn/precision.h"
#include "stability/networks.h"
#include "train/optimizer.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

const std::atomic<bool> kNoStop{false};

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

/// The gradient at the images of a weighed sum of the logits.
at::Tensor gradient_of(const at::Tensor& logits, const at::Tensor& images, bool graph = false) {
  const at::Tensor weights = random_tensor(9, logits.sizes().vec(), -1, 1);
  return torch::autograd::grad({(logits * weights).sum()}, {images}, {}, std::nullopt, graph)[0];
}

struct FrozenCase {
  std::string architecture, activation;
  ImageShape shape;
  int64_t width;
};

class FrozenNetworkTest : public ::testing::TestWithParam<FrozenCase> {
 protected:
  FrozenNetworkTest() {
    NetworkOptions options = tiny_options(GetParam().architecture, GetParam().activation);
    options.shape = GetParam().shape;
    if (GetParam().width > 0) options.width = GetParam().width;
    options.mean.assign(static_cast<size_t>(options.shape.channels), 0.4);
    options.std.assign(static_cast<size_t>(options.shape.channels), 0.25);
    network = random_network(options);
    images = random_tensor(5, {7, options.shape.channels, options.shape.height, options.shape.width}, 0, 1);
    frozen = FrozenNetwork::make(network->layer_graph(), options.shape);
  }

  at::Tensor fresh() const { return images.clone().requires_grad_(); }

  const at::AutoGradMode graph{true};
  std::shared_ptr<Network> network;
  std::shared_ptr<const FrozenNetwork> frozen;
  at::Tensor images;
};

TEST_P(FrozenNetworkTest, HasTheLogitsAndGradientsOfTheNetwork) {
  ASSERT_NE(frozen, nullptr);
  const at::Tensor x = fresh(), y = fresh();
  const at::Tensor logits = frozen->logits(x, Precision::kFloat32), expected = network->forward(y);
  EXPECT_LT(distance(logits, expected), 1e-5);
  EXPECT_LT(distance(gradient_of(logits, x), gradient_of(expected, y)), 2e-5);
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(frozen->logits(images, Precision::kFloat32), logits));
}

TEST_P(FrozenNetworkTest, GivesSeveralGradientsOfOnePass) {
  const at::Tensor x = fresh();
  const at::Tensor logits = frozen->logits(x, Precision::kFloat32);
  for (int64_t k = 0; k < logits.size(1); ++k) {
    const at::Tensor y = fresh();
    const at::Tensor found = torch::autograd::grad({logits.select(1, k).sum()}, {x}, {}, true)[0];
    const at::Tensor expected = torch::autograd::grad({network->forward(y).select(1, k).sum()}, {y})[0];
    EXPECT_LT(distance(found, expected), 2e-5) << "class " << k;
  }
}

TEST_P(FrozenNetworkTest, DependsOnNoNeighbourInAnyBit) {
  const at::Tensor x = fresh();
  const at::Tensor logits = frozen->logits(x, Precision::kFloat32);
  const at::Tensor gradient = torch::autograd::grad({logits.select(1, 0).sum()}, {x})[0];
  const at::Tensor maps =
      frozen->forward(images.contiguous(at::MemoryFormat::ChannelsLast), Precision::kFloat32, {});
  for (int64_t i = 0; i < images.size(0); ++i) {
    const at::Tensor one = images.narrow(0, i, 1).clone().requires_grad_();
    const at::Tensor alone =
        frozen->forward(one.detach().contiguous(at::MemoryFormat::ChannelsLast), Precision::kFloat32, {});
    EXPECT_TRUE(at::equal(alone, maps.narrow(0, i, 1))) << "image " << i;
    const at::Tensor own =
        torch::autograd::grad({frozen->logits(one, Precision::kFloat32).select(1, 0).sum()}, {one})[0];
    EXPECT_LT(distance(own, gradient.narrow(0, i, 1)), 1e-6) << "image " << i;
  }
}

TEST_P(FrozenNetworkTest, HasGradientsOfGradients) {
  const at::Tensor x = fresh(), y = fresh();
  const at::Tensor found = gradient_of(frozen->logits(x, Precision::kFloat32), x, true);
  const at::Tensor expected = gradient_of(network->forward(y), y, true);
  ASSERT_TRUE(found.requires_grad());
  const at::Tensor direction = random_tensor(11, images.sizes().vec(), -1, 1);
  const auto curvature = [&](const at::Tensor& gradient, const at::Tensor& at) {
    return torch::autograd::grad({(gradient * direction).sum()}, {at}, {}, std::nullopt, false, true)[0];
  };
  const at::Tensor exact = curvature(expected, y), own = curvature(found, x);
  // Piecewise linear networks have none.
  if (!exact.defined() || exact.abs().max().item<double>() == 0) return;
  EXPECT_LT(distance(own, exact), 1e-4);
}

TEST_P(FrozenNetworkTest, IsCloseInBfloat16) {
  if (!FrozenNetwork::computes(Precision::kBfloat16)) GTEST_SUCCEED() << "no products of bfloat16 here";
  if (!FrozenNetwork::computes(Precision::kBfloat16)) return;
  const at::Tensor x = fresh(), y = fresh();
  const at::Tensor logits = frozen->logits(x, Precision::kBfloat16), expected = network->forward(y);
  const double error = distance(logits, expected);
  EXPECT_LT(error, 0.03);
  EXPECT_GT(error, 1e-6) << "nothing was rounded";
  const at::Tensor gradient = gradient_of(logits, x), exact = gradient_of(expected, y);
  const double cosine = ((gradient * exact).sum() / (gradient.norm() * exact.norm())).item<double>();
  EXPECT_GT(cosine, 0.99);
}

TEST_P(FrozenNetworkTest, IsWhatLogitsOfAClassifierTakeAndFollowsItsWeights) {
  const at::NoGradGuard no_grad;
  const at::Tensor before = network->logits(images, kNoStop);
  EXPECT_TRUE(at::equal(before, frozen->logits(images, Precision::kFloat32)));
  for (auto& [name, tensor] : network->state())
    if (name.ends_with("weight") || name.ends_with("running_mean")) tensor.mul_(1.1);
  const at::Tensor after = network->logits(images, kNoStop);
  EXPECT_GT(distance(after, before), 1e-3);
  EXPECT_LT(distance(after, network->forward(images)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Architectures, FrozenNetworkTest,
                         ::testing::Values(FrozenCase{"preact-resnet", "silu", {3, 32, 32}, 16},
                                           FrozenCase{"preact-resnet", "silu", {1, 11, 7}, 0},
                                           FrozenCase{"preact-resnet", "relu", {3, 9, 10}, 20},
                                           FrozenCase{"preact-resnet-plain", "relu", {3, 16, 16}, 8},
                                           FrozenCase{"wide-resnet", "relu", {3, 13, 16}, 2},
                                           FrozenCase{"small-cnn", "silu", {1, 28, 28}, 32},
                                           FrozenCase{"grouped", "silu", {3, 13, 16}, 0},
                                           FrozenCase{"layers", "silu", {3, 24, 19}, 0}),
                         [](const auto& info) {
                           std::string name = info.param.architecture + info.param.activation +
                                              std::to_string(info.param.shape.height);
                           std::erase(name, '-');
                           return name;
                         });

TEST(FrozenNetwork, LeavesTrainingToTheNetworkItself) {
  auto network = random_network(tiny_options("preact-resnet", "relu"));
  const at::Tensor images = random_tensor(5, {6, 1, 8, 8}, 0, 1);
  const at::NoGradGuard no_grad;
  const at::Tensor still = network->logits(images, kNoStop);
  network->train();
  EXPECT_GT(distance(network->logits(images, kNoStop), still), 1e-3) << "statistics of the batch";
}

TEST(FrozenNetwork, SeesEachStepOfTheOptimiser) {
  auto network = make_network(tiny_options("small-cnn", "silu"));
  network->eval();
  const at::AutoGradMode graph(true);
  const at::Tensor images = random_tensor(5, {6, 1, 8, 8}, 0, 1);
  Sgd optimiser(*network, 0.9, true, 0);
  for (int step = 0; step < 3; ++step) {
    const at::Tensor before = network->logits(images, kNoStop);
    network->forward(images).square().sum().backward();
    optimiser.step(0.01);
    const at::Tensor after = network->logits(images, kNoStop);
    EXPECT_GT(distance(after, before), 1e-4) << "step " << step;
    EXPECT_LT(distance(after, network->forward(images)), 1e-5) << "step " << step;
  }
}

TEST(FrozenNetwork, IsNotMadeForWeightsThatNoCacheHolds) {
  NetworkOptions options = tiny_options("preact-resnet", "relu");
  options.width = 512;
  const auto network = random_network(options);
  const auto frozen = FrozenNetwork::make(network->layer_graph(), options.shape);
  // Of its convolutions only those before the first large one.
  const at::Tensor images = random_tensor(5, {2, 1, 8, 8}, 0, 1);
  const at::NoGradGuard no_grad;
  EXPECT_LT(distance(network->logits(images, kNoStop), network->forward(images)), 1e-5);
  EXPECT_EQ(frozen == nullptr || frozen->slope_count() <= 512 * 64, true);
}

}  // namespace
}  // namespace selfgrad
