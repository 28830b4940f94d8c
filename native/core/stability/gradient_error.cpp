#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/max.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/where.h>

#include <limits>

#include "stability/diagnostics.h"

namespace selfgrad {
namespace {

// The larger ones drown rounding, the smaller ones curvature and kinks.
constexpr double kShares[] = {0.25, 0.05, 0.01};

}  // namespace

Columns gradient_error(StabilityBatch& batch) {
  const at::Tensor own = batch.labels.unsqueeze(1);
  const at::Tensor rival = std::get<1>(
      batch.logits.scatter(1, own, -std::numeric_limits<double>::infinity()).max(1, /*keepdim=*/true));
  const auto gap = [&](const at::Tensor& z) { return (z.gather(1, rival) - z.gather(1, own)).squeeze(1); };
  const at::Tensor gradient = batch.target.gradient(batch.images, gap).gradient;
  const at::Tensor direction = steepest_direction(batch.threat.norm, gradient);
  const at::Tensor none = at::full({batch.images.size(0)}, std::numeric_limits<double>::infinity(),
                                   batch.images.options().dtype(at::kDouble));
  at::Tensor least = none;
  for (const double share : kShares) {
    const at::Tensor step = share * batch.threat.eps * direction;
    const at::Tensor ahead = (batch.images + step).clamp(0, 1);
    const at::Tensor behind = (batch.images - step).clamp(0, 1);
    const at::Tensor told = inner_product(gradient, ahead - behind);
    const at::Tensor seen =
        (gap(batch.target.logits(ahead).to(at::kDouble)) - gap(batch.target.logits(behind).to(at::kDouble)));
    const at::Tensor error = (seen - told).abs() / told;
    least = at::minimum(least, at::where(told > 0, error, none));
  }
  return {{"gradient_error", column(least)}};
}

}  // namespace selfgrad
