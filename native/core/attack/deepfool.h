// DeepFool: the nearest adversarial image, boundary by boundary (Moosavi-Dezfooli et al. 2016,
// https://arxiv.org/abs/1511.04599).
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// Each step takes the boundaries towards the `targets` wrong classes of largest clean logit for hyperplanes,
/// adds the shortest way to the nearest of them, and 1e-4 more, to the perturbation r, and tries
/// clip(x0 + (1 + overshoot) r, 0, 1), the image of the next step; the authors' code does not clip. An image
/// leaves when it is misclassified; `success` is true where it then lies within eps. A step costs two
/// forwards and `targets` backwards. Reads threat, steps, targets, overshoot.
class DeepFool final : public Attack {
 public:
  explicit DeepFool(const AttackOptions& options) : options_(options) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return 1; }

 private:
  AttackOptions options_;
};

}  // namespace selfgrad
