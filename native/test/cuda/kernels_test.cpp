// The CUDA plug-in's kernels, compiled for the CPU: indices, sums, tables and conversions, but no stream, no
// driver and no device.
#include "kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/cuda/table.h"

extern "C" const selfgrad::kernels::CudaKernels* selfgrad_cuda_kernels();

namespace selfgrad::cuda {
namespace {

constexpr double kTestEps = 1e-5;
const kernels::CudaKernels& plugin = *selfgrad_cuda_kernels();

at::Tensor random_batch(at::IntArrayRef sizes, at::ScalarType type) {
  return (at::randn(sizes) * 2 + 1).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

/// The largest difference as a share of the largest entry.
double share_of(const at::Tensor& found, const at::Tensor& wanted) {
  return ((found.to(at::kDouble) - wanted).abs().max() / wanted.abs().max()).item<double>();
}

struct Case {
  std::vector<int64_t> sizes;
  at::ScalarType type;
  kernels::Act act;
  bool training;
};

class CudaNormActivation : public testing::TestWithParam<Case> {};

TEST_P(CudaNormActivation, EqualsPlainOperationsAndTheirGradients) {
  const auto& [sizes, type, act, training] = GetParam();
  at::manual_seed(1);
  const int64_t channels = sizes[1];
  const at::Tensor x = random_batch(sizes, type), gy = random_batch(sizes, type);
  const at::Tensor w = at::rand({channels}) + 0.5, b = at::randn({channels});
  const at::Tensor fixed_mean = at::randn({channels}, at::kDouble),
                   fixed_variance = at::rand({channels}, at::kDouble) + 0.5;

  at::Tensor xd = x.to(at::kDouble).requires_grad_(), wd = w.to(at::kDouble).requires_grad_(),
             bd = b.to(at::kDouble).requires_grad_();
  const auto view = [](const at::Tensor& t) { return t.view({1, -1, 1, 1}); };
  const at::Tensor mean = training ? xd.mean({0, 2, 3}) : fixed_mean;
  const at::Tensor variance = training ? xd.var({0, 2, 3}, /*unbiased=*/false) : fixed_variance;
  const at::Tensor z = (xd - view(mean)) / (view(variance) + kTestEps).sqrt() * view(wd) + view(bd);
  const at::Tensor y = act == kernels::Act::kRelu ? z.relu() : at::silu(z);
  y.backward(gy.to(at::kDouble));

  const auto normed = plugin.norm_activation(act, x, w, b, training ? at::Tensor() : fixed_mean,
                                             training ? at::Tensor() : fixed_variance, kTestEps);
  const auto found = plugin.norm_activation_backward(act, gy, x, w, b, normed.mean, normed.variance, kTestEps,
                                                     training, /*parameters=*/true);
  const double tolerance = type == at::kFloat ? 2e-6 : 1e-2;
  EXPECT_LT(share_of(normed.mean, mean.detach()), 1e-6);
  EXPECT_LT(share_of(normed.variance, variance.detach()), 1e-6);
  EXPECT_LT(share_of(normed.y, y.detach()), tolerance);
  EXPECT_LT(share_of(found.x, xd.grad()), 5 * tolerance);
  EXPECT_LT(share_of(found.weight, wd.grad()), tolerance);
  EXPECT_LT(share_of(found.bias, bd.grad()), tolerance);
  if (training) return;
  const auto input_only = plugin.norm_activation_backward(act, gy, x, w, b, normed.mean, normed.variance,
                                                          kTestEps, false, /*parameters=*/false);
  EXPECT_FALSE(input_only.weight.defined());
  EXPECT_LT(share_of(input_only.x, xd.grad()), 5 * tolerance);
}

// 70 x 35 x 33 pixels: three folds of partial sums, the last of each incomplete.
INSTANTIATE_TEST_SUITE_P(Shapes, CudaNormActivation,
                         testing::Values(Case{{70, 3, 35, 33}, at::kFloat, kernels::Act::kRelu, true},
                                         Case{{2, 16, 5, 7}, at::kFloat, kernels::Act::kSilu, true},
                                         Case{{1, 5, 8, 8}, at::kFloat, kernels::Act::kSilu, true},
                                         Case{{3, 17, 9, 9}, at::kBFloat16, kernels::Act::kSilu, true},
                                         Case{{3, 17, 9, 9}, at::kFloat, kernels::Act::kRelu, false},
                                         Case{{2, 8, 4, 3}, at::kBFloat16, kernels::Act::kSilu, false}));

TEST(CudaNormalize, EqualsPlainOperations) {
  const at::Tensor x = at::rand({3, 3, 9, 7}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor mean = at::rand({1, 3, 1, 1}), std = at::rand({1, 3, 1, 1}) + 0.1;
  EXPECT_TRUE(at::equal(plugin.normalize(x, mean, std, at::kFloat), (x - mean) / std));
  EXPECT_TRUE(at::equal(plugin.normalize(x, mean, std, at::kBFloat16), ((x - mean) / std).to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(plugin.normalize_backward(x, std), x / std));
}

TEST(CudaProjectedStep, EqualsPlainOperationsForEachImagesAlpha) {
  const at::Tensor origin = at::rand({5, 3, 7, 7}), x = (origin + 0.05 * at::randn_like(origin)).clamp(0, 1);
  at::Tensor gradient = at::randn_like(x);
  gradient.flatten().slice(0, 0, 9).zero_();
  const at::Tensor alpha = at::rand({5}) * 0.1;
  const at::Tensor wanted =
      (origin + (x + alpha.view({5, 1, 1, 1}) * gradient.sign() - origin).clamp(-0.06, 0.06)).clamp(0, 1);
  EXPECT_TRUE(at::allclose(plugin.projected_step(x, origin, gradient, alpha, 0.06), wanted, 0, 1e-7));
}

TEST(CudaBfloat16, RoundsAsLibTorchDoes) {
  for (const float x : {0.0F, -1.5F, 1.00390625F, 1.01171875F, 3.4e38F, 1e-40F, INFINITY, NAN})
    EXPECT_EQ(from_float<Bfloat16>(x).bits, c10::BFloat16(x).x) << x;
}

}  // namespace
}  // namespace selfgrad::cuda
