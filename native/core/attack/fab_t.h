// FAB-T: the nearest adversarial image, found along the decision boundary (Croce & Hein 2020,
// https://arxiv.org/abs/1907.02044), towards one wrong class after another as in AutoAttack.
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// Each step takes the boundary between label and target for a hyperplane, moves to a mean of its nearest
/// points to the iterate and to the image, a little beyond, and comes back towards the image after a
/// misclassification. `steps` steps towards each of the `targets` wrong classes of largest clean logit; the
/// first of the `restarts` starts at the image, the others at random, at eps / 2 from it. One step costs two
/// forwards and one backward. The nearest misclassified image of all counts, iterates before a step included
/// (the authors' code looks at those after one only); `success` is true where it lies within eps. No image
/// leaves early, for what is looked for is the distance. Reads threat, steps, restarts, targets.
class FabT final : public Attack {
 public:
  explicit FabT(const AttackOptions& options) : options_(options) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  /// 1: run() makes them all, for their distances are compared.
  int64_t restarts() const override { return 1; }

 private:
  AttackOptions options_;
};

}  // namespace selfgrad
