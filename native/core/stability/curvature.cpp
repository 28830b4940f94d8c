// Power iteration (von Mises and Pollaczek-Geiringer 1929), each image with its own vector.
#include <ATen/TensorOperators.h>

#include "stability/diagnostics.h"
#include "stability/hessian.h"

namespace selfgrad {

Columns curvature(StabilityBatch& batch, int64_t iterations) {
  Hessian hessian(batch);
  const at::Tensor s = steepest_direction(batch.threat.norm, batch.gradient);
  const at::Tensor along = ratio(inner_product(s, hessian.times(s)), inner_product(s, s));

  const at::Tensor start =
      normal(batch.key(StabilityDraw::kPowerStart), batch.indices, batch.images.sizes().slice(1));
  at::Tensor v = steepest_direction(Norm::kL2, start.to(batch.images.device()));
  for (int64_t i = 0; i < iterations; ++i)
    v = steepest_direction(Norm::kL2, hessian.times(v));
  const at::Tensor product = hessian.times(v);
  const at::Tensor eigenvalue = inner_product(v, product);
  const at::Tensor rest = product.to(at::kDouble) - eigenvalue.view({-1, 1, 1, 1}) * v;
  return {{"gradient_curvature", column(along)},
          {"eigenvalue", column(eigenvalue)},
          {"eigenvalue_residual", column(dual_norm(Norm::kL2, rest))}};
}

}  // namespace selfgrad
