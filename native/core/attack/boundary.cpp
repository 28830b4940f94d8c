// One graph, one backward for each class.
#include "attack/boundary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "attack/active_set.h"

namespace selfgrad {
namespace {

// Keeps the distance finite where the gradient is zero; such a boundary is never the nearest.
constexpr double kTinySlope = 1e-12;

at::Tensor dual_size(Norm norm, const at::Tensor& gradient) {
  return at::linalg_vector_norm(gradient.flatten(1), norm == Norm::kLinf ? 1 : 2, {1});
}

}  // namespace

void Boundary::put(const at::Tensor& rows, const Boundary& other) {
  lead.index_copy_(0, rows, other.lead);
  normal.index_copy_(0, rows, other.normal);
  distance.index_copy_(0, rows, other.distance);
  logits.index_copy_(0, rows, other.logits);
}

Boundary nearest_boundary(Target& target, Norm norm, const at::Tensor& x, const at::Tensor& labels,
                          const at::Tensor& aims) {
  const torch::autograd::AutoGradMode graph(true);
  const at::Tensor input = x.detach().requires_grad_();
  const at::Tensor logits = target.differentiable_logits(input);
  const at::Tensor leads = logits.gather(1, aims) - logits.gather(1, labels.unsqueeze(1));
  Boundary nearest;
  nearest.logits = logits.detach();
  for (int64_t rank = 0; rank < aims.size(1); ++rank) {
    target.count_backward(x.size(0));
    const at::Tensor lead = leads.select(1, rank);
    const at::Tensor normal =
        torch::autograd::grad({lead.sum()}, {input}, {}, /*retain_graph=*/rank + 1 < aims.size(1))[0];
    const at::Tensor distance = lead.detach().abs() / (dual_size(norm, normal) + kTinySlope);
    if (rank == 0) {
      nearest.lead = lead.detach();
      nearest.normal = normal;
      nearest.distance = distance;
      continue;
    }
    const at::Tensor nearer = distance < nearest.distance;
    nearest.lead = at::where(nearer, lead.detach(), nearest.lead);
    nearest.normal = where_rows(nearer, normal, nearest.normal);
    nearest.distance = at::where(nearer, distance, nearest.distance);
  }
  return nearest;
}

}  // namespace selfgrad
