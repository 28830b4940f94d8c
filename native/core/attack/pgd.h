// PGD: projected steepest ascent (Madry et al. 2018, https://arxiv.org/abs/1706.06083).
#pragma once

#include <optional>

#include "attack/attack.h"

namespace selfgrad {

/// What MI-FGSM adds: the direction is g <- decay * g + gradient / |gradient|_1, from g = 0.
struct Momentum {
  double decay;
};

/// x <- project(x + alpha * steepest_direction(gradient of the loss)), `steps` times, from a random point of
/// the ball or the image itself. An image leaves with its first iterate whose lead (`Goal`) reaches
/// `confidence` (0: that is misclassified, or classified as its target); one that never does keeps its
/// iterate of the largest lead that is, if any.
class Pgd final : public Attack {
 public:
  explicit Pgd(const AttackOptions& options, std::optional<Momentum> momentum = std::nullopt)
      : options_(options), momentum_(momentum) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return options_.random_start ? options_.restarts : 1; }

 private:
  AttackOptions options_;
  std::optional<Momentum> momentum_;
};

}  // namespace selfgrad
