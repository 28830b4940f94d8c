// FAB: the nearest adversarial image, found along the decision boundary (Croce & Hein 2020,
// https://arxiv.org/abs/1907.02044).
#pragma once

#include "attack/attack.h"

namespace selfgrad {

enum class FabAim {
  kNearest,     ///< fab: at the wrong class whose boundary is the nearest, found anew in each step
  kEachInTurn,  ///< fab-t, as in AutoAttack: at one wrong class after another
};

/// Each step takes the boundary between label and aim for a hyperplane, moves to a mean of its nearest points
/// to the iterate and to the image, a little beyond, and comes back towards the image after a
/// misclassification. kEachInTurn makes `steps` steps towards each of the `targets` wrong classes of largest
/// clean logit. The first of the `restarts` starts at the image, the others at random, at eps / 2 from it.
/// One step costs two forwards and one backward, for kNearest a backward for each wrong class. The nearest
/// misclassified image of all counts, iterates before a step included (the authors' code looks at those after
/// one only); `success` is true where it lies within eps. With stop_within_eps an image leaves with the first
/// that does, which changes no verdict, and there are no distances; else none leaves, for what is looked for
/// is the distance. Reads threat, steps, restarts, targets, stop_within_eps.
class Fab final : public Attack {
 public:
  Fab(const AttackOptions& options, FabAim aim) : options_(options), aim_(aim) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  /// 1: run() makes them all, for their distances are compared.
  int64_t restarts() const override { return 1; }

 private:
  AttackOptions options_;
  FabAim aim_;
};

}  // namespace selfgrad
