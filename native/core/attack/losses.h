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

/// (N, K) logits, (N) int64 labels -> (N) losses.
at::Tensor attack_loss(AttackLoss kind, const at::Tensor& logits, const at::Tensor& labels,
                       double confidence);

}  // namespace selfgrad
