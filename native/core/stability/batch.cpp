#include "stability/batch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/where.h>

#include <limits>

namespace selfgrad {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return attack_loss(AttackLoss::kCrossEntropy, logits, labels, 0.0);
}

at::Tensor inner_product(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) * b).flatten(1).sum(1);
}

at::Tensor dual_norm(Norm norm, const at::Tensor& x) {
  return at::linalg_vector_norm(x.flatten(1).to(at::kDouble), norm == Norm::kLinf ? 1 : 2, {1});
}

at::Tensor random_neighbour(const StabilityBatch& batch, StabilityDraw draw, uint32_t number) {
  return random_point(batch.threat, batch.key(draw, number), batch.indices, batch.images);
}

at::Tensor ratio(const at::Tensor& a, const at::Tensor& b) {
  return at::where(b > 0, a / b, at::full_like(b, std::numeric_limits<double>::quiet_NaN()));
}

at::Tensor column(const at::Tensor& values) {
  return values.detach().to(at::kDouble).cpu();
}

}  // namespace selfgrad
