// What a convolution computes, and its gradients, in the shapes that LibTorch's own kernels get wrong or are
// fussy about.
#include "nn/layers.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/rand_like.h>
#include <ATen/ops/randn_like.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace selfgrad {
namespace {

/// The largest difference, as a share of the largest value.
double share(const at::Tensor& got, const at::Tensor& wanted) {
  return ((got.to(at::kDouble) - wanted).abs().max() / wanted.abs().max()).item<double>();
}

// With 4 or 8 channels and a stride of 2, the gradient of LibTorch 2.11 breaks the heap at 64x64.
TEST(Convolution, OfOnePixelWithAStrideHasTheGradientsOfFloat64) {
  for (const int64_t channels : {3, 4, 8, 16})
    for (const int64_t side : {15, 64, 112}) {
      Conv2d conv({.in = channels, .out = 2 * channels, .kernel = 1, .stride = 2, .padding = 0});
      const at::NoGradGuard no_grad;
      const at::Tensor weight = conv.weight();
      weight.copy_(at::rand_like(weight) - 0.5);
      const at::Tensor x =
          at::rand({4, channels, side, side}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
      const at::Tensor weight64 = weight.to(at::kDouble).requires_grad_();
      const at::Tensor x64 = x.detach().to(at::kDouble).requires_grad_();
      const at::AutoGradMode gradients(true);
      const at::Tensor y64 = at::conv2d(x64, weight64, {}, {2, 2});
      const at::Tensor direction = at::randn_like(y64);
      (y64 * direction).sum().backward();
      // A heap that is broken shows itself sooner or later.
      std::vector<at::Tensor> others;
      for (int i = 0; i < 8; ++i) {
        weight.mutable_grad() = at::Tensor();
        x.mutable_grad() = at::Tensor();
        const at::Tensor y = conv.forward(x);
        (y * direction.to(at::kFloat)).sum().backward();
        others.push_back(at::rand({1000}));
        const std::string where = std::to_string(channels) + " channels of " + std::to_string(side);
        ASSERT_LT(share(y.detach(), y64.detach()), 1e-5) << where;
        ASSERT_LT(share(weight.grad(), weight64.grad()), 1e-4) << where;
        ASSERT_LT(share(x.grad(), x64.grad()), 1e-5) << where;
      }
    }
}

}  // namespace
}  // namespace selfgrad
