// A step without a derivative that gradients go through: exact values, exact gradients, of the second order
// too, and an attack that finds little without it.
#include "nn/straight_through.h"

#include <ATen/ops/round.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "attack/networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::random_tensor;
using testing::SmallNet;

/// To 8 levels: the derivative is zero wherever there is one.
at::Tensor quantised(const at::Tensor& x) {
  return (x * 7).round() / 7;
}

TEST(StraightThrough, GivesTheValueAndHandsItsGradientOn) {
  const at::Tensor x = random_tensor(3, {2, 2, 4, 4}, 0, 1).requires_grad_();
  const at::Tensor value = quantised(x.detach());
  const at::Tensor through = straight_through(x, value);
  EXPECT_TRUE(through.equal(value));
  const at::Tensor gradient = torch::autograd::grad({(through * through).sum()}, {x})[0];
  EXPECT_TRUE(gradient.equal(2 * value));
}

TEST(StraightThrough, HasTheSecondDerivativesOfTheIdentity) {
  const at::Tensor x = random_tensor(3, {2, 2, 4, 4}, 0, 1).requires_grad_();
  const at::Tensor through = straight_through(x, quantised(x.detach()));
  const at::Tensor gradient =
      torch::autograd::grad({through.pow(3).sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  const at::Tensor second = torch::autograd::grad({gradient.sum()}, {x})[0];
  EXPECT_TRUE(at::allclose(second, 6 * through.detach()));
}

TEST(StraightThrough, LetsAnAttackThroughWhatHidesTheGradient) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  AttackOptions options;
  options.name = "pgd";
  options.threat.eps = 0.1;
  options.alpha = 0.025;
  const auto broken = [&](const Logits& network) {
    return attack_batch_of(network, options, images).result.success.sum().item<int64_t>();
  };
  const int64_t hidden = broken([&](const at::Tensor& x) { return net(quantised(x)); });
  const int64_t seen =
      broken([&](const at::Tensor& x) { return net(straight_through(x, quantised(x.detach()))); });
  EXPECT_GT(seen, 2 * hidden);
}

}  // namespace
}  // namespace selfgrad
