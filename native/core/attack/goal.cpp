// One sign between towards and away from.
#include "attack/goal.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/scatter.h>

#include <limits>

namespace selfgrad {
namespace {

/// A wrong class, each as likely as the other.
at::Tensor random_wrong(uint64_t seed, const at::Tensor& labels, const at::Tensor& indices, int64_t classes) {
  const auto others = static_cast<double>(classes - 1);
  const at::Tensor draw = uniform({seed, Purpose::kAttackTarget, 0}, indices, {1}, 0.0, others)
                              .squeeze(1)
                              .floor()
                              .clamp_max(others - 1)
                              .to(labels.device(), at::kLong);
  return draw + (draw >= labels);
}

}  // namespace

at::Tensor Goal::reached(const at::Tensor& logits) const {
  const at::Tensor said = logits.argmax(1);
  return targeted ? said == classes : said != classes;
}

at::Tensor Goal::lead(const at::Tensor& logits) const {
  const at::Tensor away = margin(logits, classes);
  return targeted ? -away : away;
}

at::Tensor Goal::loss(AttackLoss kind, const at::Tensor& logits, double confidence) const {
  if (kind == AttackLoss::kMargin) return lead(logits).clamp_max(confidence);
  const at::Tensor away = attack_loss(AttackLoss::kCrossEntropy, logits, classes, confidence);
  return targeted ? -away : away;
}

Goal goal_of(const at::Tensor& labels, const at::Tensor& aims) {
  return aims.defined() ? Goal{aims, true} : Goal{labels, false};
}

at::Tensor aims_of(const AttackOptions& options, Target& target, const at::Tensor& images,
                   const at::Tensor& labels, const at::Tensor& indices) {
  switch (options.target) {
    case Aim::kAnyWrong:
      return {};
    case Aim::kClass:
      return at::full_like(labels, options.target_class);
    case Aim::kRandom:
      return random_wrong(target.seed(), labels, indices, target.logits(images).size(1));
    case Aim::kLeastLikely:
      break;
  }
  return target.logits(images)
      .scatter(1, labels.unsqueeze(1), std::numeric_limits<float>::infinity())
      .argmin(1);
}

}  // namespace selfgrad
