// Losses per example; their sum has each example's own gradient.
#include "attack/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max.h>
#include <ATen/ops/scatter.h>

#include <limits>

namespace selfgrad {

at::Tensor margin(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor label = labels.unsqueeze(1);
  const at::Tensor others = logits.scatter(1, label, -std::numeric_limits<float>::infinity());
  return std::get<0>(others.max(1)) - logits.gather(1, label).squeeze(1);
}

at::Tensor misclassified(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.argmax(1) != labels;
}

at::Tensor attack_loss(AttackLoss kind, const at::Tensor& logits, const at::Tensor& labels,
                       double confidence) {
  if (kind == AttackLoss::kMargin) return margin(logits, labels).clamp_max(confidence);
  return -logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1);
}

}  // namespace selfgrad
