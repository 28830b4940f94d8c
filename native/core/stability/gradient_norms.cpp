#include <ATen/TensorOperators.h>
#include <ATen/ops/logical_not.h>

#include "stability/diagnostics.h"

namespace selfgrad {

Columns gradient_norms(StabilityBatch& batch) {
  const Target::Gradient at_image = batch.target.gradient(
      batch.images, [&](const at::Tensor& z) { return cross_entropy(z, batch.labels); });
  batch.logits = at_image.logits;
  batch.gradient = at_image.gradient;
  batch.loss = cross_entropy(batch.logits, batch.labels);
  return {{"loss", column(batch.loss)},
          {"correct", column(misclassified(batch.logits, batch.labels).logical_not())},
          {"gradient_l1", column(dual_norm(Norm::kLinf, batch.gradient))},
          {"gradient_l2", column(dual_norm(Norm::kL2, batch.gradient))}};
}

}  // namespace selfgrad
