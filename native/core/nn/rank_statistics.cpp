#include "nn/rank_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/custom_function.h>

#include "nn/layers.h"

namespace selfgrad {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// y = the sum of all ranks' x; the gradient at x is the sum of all ranks' gradients at y.
class SumOverRanks : public torch::autograd::Function<SumOverRanks> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const WorldPtr& world) {
    context->saved_data["world"] = c10::IValue::make_capsule(world);
    at::Tensor y = x.clone();
    world->sum({y});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto world = c10::static_intrusive_pointer_cast<World>(context->saved_data["world"].toCapsule());
    return {SumOverRanks::apply(gradients[0], world), {}};
  }
};

at::Tensor per_channel(const at::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

}  // namespace

RankStatistics rank_statistics(const at::Tensor& x, const WorldPtr& world) {
  const at::Tensor pixels = at::full({}, x.numel() / x.size(1), x.options().dtype(at::kDouble));
  world->sum({pixels});
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor mean = SumOverRanks::apply(wide.sum({0, 2, 3}), world) / pixels;
  const at::Tensor squares = (wide - per_channel(mean)).square().sum({0, 2, 3});
  return {.mean = mean, .variance = SumOverRanks::apply(squares, world) / pixels, .pixels = pixels};
}

at::Tensor normalized(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const RankStatistics& statistics) {
  const at::Tensor scale = weight * (statistics.variance + BatchNorm2d::kEps).rsqrt();
  const at::Tensor centred = x.to(at::kFloat) - per_channel(statistics.mean);
  return (centred * per_channel(scale) + per_channel(bias)).to(x.scalar_type());
}

}  // namespace selfgrad
