// CW-L2: the smallest L2 perturbation that fools the network (Carlini & Wagner 2017,
// https://arxiv.org/abs/1608.04644).
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// Minimises |x' - x|^2 + c * max(0, confidence - lead(x')) (`Goal`) over w, x' = (tanh w + 1) / 2, by Adam;
/// c is searched per image: times ten until something is found, then bisection. Each search step starts
/// afresh from the image. The original stops a search step on the loss summed over the batch; here each image
/// stops on its own, so the batch changes nothing. Reads steps, learning_rate, binary_search_steps,
/// initial_c, confidence; `success` is true where the perturbation found also lies in the threat's ball.
class CwL2 final : public Attack {
 public:
  explicit CwL2(const AttackOptions& options) : options_(options) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return 1; }

 private:
  AttackOptions options_;
};

}  // namespace selfgrad
