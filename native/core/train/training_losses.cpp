#include "train/training_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/softmax.h>

#include <optional>

namespace selfgrad {

namespace {

at::Tensor reduced_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing,
                                 const at::Tensor& class_weights, at::Reduction::Reduction reduction) {
  std::optional<at::Tensor> weights;
  if (class_weights.defined()) weights = class_weights;
  return at::cross_entropy_loss(logits, labels, weights, reduction, /*ignore_index=*/-100, smoothing);
}

}  // namespace

at::Tensor smoothed_cross_entropies(const at::Tensor& logits, const at::Tensor& labels, double smoothing,
                                    const at::Tensor& class_weights) {
  return reduced_cross_entropy(logits, labels, smoothing, class_weights, at::Reduction::None);
}

at::Tensor smoothed_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing,
                                  const at::Tensor& class_weights) {
  return reduced_cross_entropy(logits, labels, smoothing, class_weights, at::Reduction::Mean);
}

at::Tensor kl_divergence(const at::Tensor& natural, const at::Tensor& adversarial) {
  const at::Tensor log_p = natural.log_softmax(1);
  return (log_p.exp() * (log_p - adversarial.log_softmax(1))).sum(1);
}

at::Tensor trades_loss(const at::Tensor& natural, const at::Tensor& adversarial, const at::Tensor& labels,
                       double beta, double label_smoothing, const at::Tensor& class_weights,
                       const BatchShare& share) {
  return share.weights * smoothed_cross_entropy(natural, labels, label_smoothing, class_weights) +
         share.images * beta * kl_divergence(natural, adversarial).mean();
}

at::Tensor mart_loss(const at::Tensor& natural, const at::Tensor& adversarial, const at::Tensor& labels,
                     double beta, double label_smoothing, const at::Tensor& class_weights,
                     const BatchShare& share) {
  const at::Tensor label = labels.unsqueeze(1);
  const at::Tensor others = adversarial.softmax(1).scatter(1, label, 0);
  const at::Tensor likeliest = std::get<0>(others.max(1));
  const at::Tensor natural_true = natural.softmax(1).gather(1, label).squeeze(1);
  return share.weights * smoothed_cross_entropy(adversarial, labels, label_smoothing, class_weights) -
         share.images * (1.0001 - likeliest).log().mean() +
         share.images * beta * (kl_divergence(natural, adversarial) * (1.0000001 - natural_true)).mean();
}

at::Tensor misalignment(const at::Tensor& a, const at::Tensor& b) {
  // Gradients of confident images are tiny: each is scaled by its largest entry before it is squared. Rows
  // of zeros are left out before the norm, whose own gradient has no value there.
  const at::Tensor largest_a = a.detach().abs().amax({1, 2, 3});
  const at::Tensor largest_b = b.detach().abs().amax({1, 2, 3});
  const at::Tensor rows = ((largest_a > 0) & (largest_b > 0)).nonzero().flatten();
  if (rows.size(0) == 0) return b.sum() * 0;
  const auto unit = [&](const at::Tensor& gradient, const at::Tensor& largest) {
    const at::Tensor scaled =
        gradient.index_select(0, rows).flatten(1) / largest.index_select(0, rows).unsqueeze(1);
    return scaled / at::linalg_vector_norm(scaled, 2, {1}, /*keepdim=*/true);
  };
  return 1 - (unit(a, largest_a) * unit(b, largest_b)).sum(1).mean();
}

}  // namespace selfgrad
