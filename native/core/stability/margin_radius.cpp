#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <limits>

#include "stability/diagnostics.h"

namespace selfgrad {

Columns margin_radius(StabilityBatch& batch) {
  const torch::autograd::AutoGradMode graph(true);
  const at::Tensor input = batch.images.detach().requires_grad_();
  const at::Tensor z = batch.target.differentiable_logits(input);
  const at::Tensor own = z.gather(1, batch.labels.unsqueeze(1)).squeeze(1);
  const int64_t classes = z.size(1);
  const at::Tensor none = at::full({z.size(0)}, std::numeric_limits<double>::infinity(),
                                   z.options().dtype(at::kDouble).requires_grad(false));
  at::Tensor radius = none;
  for (int64_t j = 0; j < classes; ++j) {
    batch.target.count_backward(z.size(0));
    const at::Tensor margins = own - z.select(1, j);
    const at::Tensor gradient =
        torch::autograd::grad({margins.sum()}, {input}, {}, /*retain_graph=*/j + 1 < classes)[0];
    const at::Tensor size = dual_norm(batch.threat.norm, gradient);
    const at::Tensor distance = at::where(size > 0, margins.detach().to(at::kDouble) / size, none);
    radius = at::where(batch.labels == j, radius, at::minimum(radius, distance));
  }
  const at::Tensor wrong = misclassified(batch.logits, batch.labels);
  return {{"margin_radius", column(at::where(wrong, at::zeros_like(radius), radius))}};
}

}  // namespace selfgrad
