// Losses per example; their sum has each example's own gradient.
#include "attack/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/topk.h>

#include <limits>
#include <string>

#include "error.h"

namespace selfgrad {
namespace {

// As in the original: keeps the ratio finite where the logits are all equal.
constexpr double kTinyGap = 1e-12;

at::Tensor pick(const at::Tensor& logits, const at::Tensor& classes) {
  return logits.gather(1, classes.unsqueeze(1)).squeeze(1);
}

/// (N, count), descending.
at::Tensor largest_logits(const at::Tensor& logits, int64_t count, const char* loss) {
  if (logits.size(1) < count) {
    throw Error("ERR_OPTION", "Expected at least " + std::to_string(count) + " classes for the loss " + loss +
                                  " but received a network with " + std::to_string(logits.size(1)) +
                                  ". Use the attack apgd-ce.");
  }
  return std::get<0>(logits.topk(count, 1));
}

}  // namespace

at::Tensor margin(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor others = logits.scatter(1, labels.unsqueeze(1), -std::numeric_limits<float>::infinity());
  return std::get<0>(others.max(1)) - pick(logits, labels);
}

at::Tensor misclassified(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.argmax(1) != labels;
}

at::Tensor dlr(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor z = largest_logits(logits, 3, "dlr");
  return margin(logits, labels) / (z.select(1, 0) - z.select(1, 2) + kTinyGap);
}

at::Tensor targeted_dlr(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& targets) {
  const at::Tensor z = largest_logits(logits, 4, "targeted dlr");
  const at::Tensor gap = z.select(1, 0) - (z.select(1, 2) + z.select(1, 3)) / 2.0;
  return (pick(logits, targets) - pick(logits, labels)) / (gap + kTinyGap);
}

at::Tensor attack_loss(AttackLoss kind, const at::Tensor& logits, const at::Tensor& labels,
                       double confidence) {
  if (kind == AttackLoss::kMargin) return margin(logits, labels).clamp_max(confidence);
  return -pick(logits.log_softmax(1), labels);
}

}  // namespace selfgrad
