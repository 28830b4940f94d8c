#include <ATen/TensorOperators.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/sum.h>

#include <utility>

#include "stability/diagnostics.h"

namespace selfgrad {
namespace {

/// A random corner of the linf ball, or a random direction of length eps.
at::Tensor random_direction(const StabilityBatch& batch) {
  const at::Tensor drawn =
      normal(batch.key(StabilityDraw::kDirection), batch.indices, batch.images.sizes().slice(1));
  return steepest_direction(batch.threat.norm, drawn.to(batch.images.device()));
}

}  // namespace

std::vector<LossProfile> loss_profile(StabilityBatch& batch, const Ascent& ascent,
                                      const std::vector<double>& multiples) {
  const double eps = batch.threat.eps;
  const std::pair<const char*, at::Tensor> directions[] = {
      {"gradient", eps * steepest_direction(batch.threat.norm, batch.gradient)},
      {"pgd", ascent.best.images - batch.images},
      {"random", eps * random_direction(batch)}};
  std::vector<LossProfile> profiles;
  for (const auto& [name, delta] : directions) {
    LossProfile profile{name, {}, {}};
    for (const double k : multiples) {
      const PerturbedPoint point = measure(batch, (batch.images + k * delta).clamp(0, 1));
      profile.loss.push_back(point.loss.to(at::kDouble).sum().item<double>());
      profile.accuracy.push_back(
          misclassified(point.logits, batch.labels).logical_not().sum().item<double>());
    }
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace selfgrad
