// A choice of start and loss; the momentum is PGD's.
#include "attack/mi_fgsm.h"

#include "attack/pgd.h"

namespace selfgrad {

std::unique_ptr<Attack> make_mi_fgsm(AttackOptions options) {
  options.random_start = false;
  options.loss = AttackLoss::kCrossEntropy;
  options.confidence = 0.0;
  return std::make_unique<Pgd>(options, Momentum{options.decay});
}

}  // namespace selfgrad
