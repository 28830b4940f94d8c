#include <ATen/TensorOperators.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/logical_or.h>

#include "stability/diagnostics.h"

namespace selfgrad {

Columns adversary_quality(const StabilityBatch& batch, const Ascent& ascent) {
  const at::Tensor loss = batch.loss.to(at::kDouble);
  at::Tensor broken =
      misclassified(batch.logits, batch.labels).logical_or(misclassified(ascent.fgsm.logits, batch.labels));
  for (const PerturbedPoint& point : ascent.steps)
    broken = broken.logical_or(misclassified(point.logits, batch.labels));
  return {{"adversary_quality", column(ratio(ascent.fgsm.loss - loss, ascent.best.loss - loss))},
          {"attacked", column(broken.logical_not())}};
}

}  // namespace selfgrad
