#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros_like.h>

#include "stability/diagnostics.h"

namespace selfgrad {

Columns linearity(StabilityBatch& batch, const Ascent& ascent, int64_t random_points) {
  const at::Tensor loss = batch.loss.to(at::kDouble);
  at::Tensor error = at::zeros_like(loss);
  const auto look_at = [&](const PerturbedPoint& point) {
    const at::Tensor linear = inner_product(batch.gradient, point.images - batch.images);
    error = at::maximum(error, (point.loss - loss - linear).abs());
  };
  look_at(ascent.fgsm);
  for (const PerturbedPoint& point : ascent.steps)
    look_at(point);
  for (int64_t i = 0; i < random_points; ++i) {
    look_at(
        measure(batch, random_neighbour(batch, StabilityDraw::kLinearityPoint, static_cast<uint32_t>(i))));
  }
  const at::Tensor first_order = batch.threat.eps * dual_norm(batch.threat.norm, batch.gradient);
  return {{"linearity_error", column(error)}, {"linearity_ratio", column(ratio(error, first_order))}};
}

}  // namespace selfgrad
