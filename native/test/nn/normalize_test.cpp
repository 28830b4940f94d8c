// The fused first layer against LibTorch's operations: values, storage type, gradients and theirs.
#include "nn/normalize.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tensor/philox.h"

namespace selfgrad {
namespace {

at::Tensor pixels(at::IntArrayRef shape, uint32_t number = 0) {
  return uniform({.seed = 3, .purpose = Purpose::kInit, .round = number}, at::arange(shape[0], at::kLong),
                 shape.slice(1), 0, 1);
}

std::vector<double> values(int64_t count, double first) {
  std::vector<double> all;
  for (int64_t i = 0; i < count; ++i)
    all.push_back(first + 0.07 * static_cast<double>(i));
  return all;
}

at::Tensor plain(const Normalize& layer, const at::Tensor& x) {
  return (x - layer.mean()) / layer.std();
}

TEST(Normalize, IsTheTwoOperationsToTheBit) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{4, 3, 32, 32}, {3, 1, 5, 7}, {1, 4, 1, 1}, {7, 3, 9, 9}}) {
    const Normalize layer(values(shape[1], 0.4), values(shape[1], 0.2));
    const at::Tensor x = pixels(shape).requires_grad_(), gy = pixels(shape, 1);
    const at::Tensor y = layer.forward(x);
    EXPECT_TRUE(y.equal(plain(layer, x))) << at::IntArrayRef(shape);
    EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(torch::autograd::grad({y}, {x}, {gy})[0].equal(gy / layer.std()));
  }
}

TEST(Normalize, GivesWhatAutocastAsksFor) {
  const Normalize layer({0.5, 0.4, 0.3}, {0.2, 0.25, 0.3});
  const at::Tensor x = pixels({5, 3, 6, 6}).requires_grad_();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const at::Tensor y = layer.forward(x);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(y.equal(plain(layer, x).to(at::kBFloat16)));
  const at::Tensor gradient = torch::autograd::grad({y.to(at::kFloat).sum()}, {x})[0];
  EXPECT_EQ(gradient.scalar_type(), at::kFloat);
  EXPECT_TRUE(gradient.equal((1.0 / layer.std()).expand_as(x)));
}

TEST(Normalize, HasASecondGradient) {
  const Normalize layer({0.5, 0.4, 0.3}, {0.2, 0.25, 0.3});
  const at::Tensor x = pixels({2, 3, 4, 4}).requires_grad_();
  const at::Tensor first = torch::autograd::grad({layer.forward(x).pow(3).sum()}, {x}, {},
                                                 /*retain_graph=*/true, /*create_graph=*/true)[0];
  const at::Tensor second = torch::autograd::grad({first.sum()}, {x})[0];
  EXPECT_TRUE(at::allclose(second, 6 * plain(layer, x) / layer.std().square(), 1e-5, 1e-6));
}

}  // namespace
}  // namespace selfgrad
