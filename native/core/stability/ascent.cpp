#include "stability/ascent.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

namespace selfgrad {

PerturbedPoint measure(StabilityBatch& batch, const at::Tensor& images) {
  const at::Tensor logits = batch.target.logits(images);
  return {images, logits, cross_entropy(logits, batch.labels)};
}

Ascent ascend(StabilityBatch& batch, int64_t steps, double alpha) {
  const auto step = [&](const at::Tensor& x, const at::Tensor& gradient, double length) {
    return projected_step(batch.threat, batch.images, x, gradient, length);
  };
  const auto loss = [&](const at::Tensor& z) { return cross_entropy(z, batch.labels); };
  Ascent ascent;
  ascent.fgsm = measure(batch, step(batch.images, batch.gradient, batch.threat.eps));
  at::Tensor x = step(batch.images, batch.gradient, alpha);
  for (int64_t i = 1; i < steps; ++i) {
    const Target::Gradient g = batch.target.gradient(x, loss);
    ascent.steps.push_back({x, g.logits, loss(g.logits)});
    x = step(x, g.gradient, alpha);
  }
  ascent.steps.push_back(measure(batch, x));
  ascent.best = ascent.steps.front();
  for (const PerturbedPoint& point : ascent.steps) {
    const at::Tensor better = point.loss > ascent.best.loss;
    ascent.best = {at::where(better.view({-1, 1, 1, 1}), point.images, ascent.best.images),
                   at::where(better.view({-1, 1}), point.logits, ascent.best.logits),
                   at::where(better, point.loss, ascent.best.loss)};
  }
  return ascent;
}

}  // namespace selfgrad
