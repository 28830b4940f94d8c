// APGD: gradient ascent that chooses its own step size (Croce & Hein 2020, https://arxiv.org/abs/2003.01690).
#pragma once

#include "attack/attack.h"
#include "attack/goal.h"

namespace selfgrad {

enum class ApgdLoss {
  kCrossEntropy,  ///< apgd-ce
  kDlr,           ///< apgd-dlr
  kTargetedDlr,   ///< apgd-t: towards one wrong class after another
};

/// ApgdClimb from a point that touches the ball; for L1 ApgdL1Climb from normal noise, projected. An image
/// leaves with its first misclassified iterate, the start and the last one included, so `steps` cost as many
/// backwards and one forward more. kTargetedDlr makes one climb towards each of the `targets` wrong classes
/// of largest clean logit (one forward more), all of them where the network has fewer, and any
/// misclassification counts. The authors' code goes on after the first misclassified iterate and returns the
/// last; the verdict is the same. Reads threat, steps, restarts, targets. run() @throws Error("ERR_OPTION")
/// for kDlr on fewer than 3 classes, kTargetedDlr on fewer than 4.
class Apgd final : public Attack {
 public:
  Apgd(const AttackOptions& options, ApgdLoss loss) : options_(options), loss_(loss) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return options_.restarts; }

 private:
  AttackResult run_targeted(Target& target, const at::Tensor& images, const at::Tensor& labels,
                            const at::Tensor& indices, uint32_t round) const;
  AttackResult climb(Target& target, const at::Tensor& images, const Goal& goal, const at::Tensor& indices,
                     const at::Tensor& towards, uint32_t round) const;
  template <class Climb>
  AttackResult follow(Climb climb, Target& target, const at::Tensor& images, Goal goal,
                      const at::Tensor& towards) const;

  AttackOptions options_;
  ApgdLoss loss_;
};

}  // namespace selfgrad
