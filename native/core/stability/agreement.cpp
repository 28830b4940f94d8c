#include <ATen/TensorOperators.h>

#include "stability/diagnostics.h"

namespace selfgrad {

Columns agreement(StabilityBatch& batch) {
  const at::Tensor neighbour = random_neighbour(batch, StabilityDraw::kNeighbour);
  const at::Tensor other =
      batch.target.gradient(neighbour, [&](const at::Tensor& z) { return cross_entropy(z, batch.labels); })
          .gradient;
  const Norm norm = batch.threat.norm;
  const at::Tensor lengths = dual_norm(Norm::kL2, batch.gradient) * dual_norm(Norm::kL2, other);
  const at::Tensor direction = steepest_direction(norm, batch.gradient);
  return {{"gradient_cosine", column(ratio(inner_product(batch.gradient, other), lengths))},
          {"gradient_agreement", column(ratio(inner_product(direction, other), dual_norm(norm, other)))}};
}

}  // namespace selfgrad
