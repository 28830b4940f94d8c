// What attacks maximise, one value per example so that an example's gradient never depends on its batch.
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

enum class AttackLoss {
  kCrossEntropy,  ///< -log softmax(z)_y
  kMargin,        ///< max_{i != y} z_i - z_y, cut at `confidence` (Carlini & Wagner 2017, loss f6, negated)
};

/// max_{i != y} z_i - z_y, (N, K) and (N) int64 -> (N); above zero where the image is misclassified. The
/// label is masked by -inf: by a product with zero it would win whenever all logits are negative.
at::Tensor margin(const at::Tensor& logits, const at::Tensor& labels);

/// (N) bool: where the most likely class is another one than the label; of equal logits the first counts.
at::Tensor misclassified(const at::Tensor& logits, const at::Tensor& labels);

/// Difference of logits ratio, (max_{i != y} z_i - z_y) / (z_(1) - z_(3) + 1e-12) with z_(k) the k-th largest
/// logit: the margin, untouched by scaling the logits (Croce & Hein 2020, https://arxiv.org/abs/2003.01690).
/// (N, K) and (N) int64 -> (N). @throws Error("ERR_OPTION") for fewer than 3 classes.
at::Tensor dlr(const at::Tensor& logits, const at::Tensor& labels);

/// The same towards one wrong class t: (z_t - z_y) / (z_(1) - (z_(3) + z_(4)) / 2 + 1e-12). `targets` (N)
/// int64. @throws Error("ERR_OPTION") for fewer than 4 classes.
at::Tensor targeted_dlr(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& targets);

/// (N, K) logits, (N) int64 labels -> (N) losses.
at::Tensor attack_loss(AttackLoss kind, const at::Tensor& logits, const at::Tensor& labels,
                       double confidence);

}  // namespace selfgrad
