// FGSM: one step to the surface of the ball (Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572).
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// x' = project(x + eps * steepest_direction(gradient of the cross-entropy)). Reads threat and loss.
class Fgsm final : public Attack {
 public:
  explicit Fgsm(const AttackOptions& options) : options_(options) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return 1; }

 private:
  AttackOptions options_;
};

}  // namespace selfgrad
