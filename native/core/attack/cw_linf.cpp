// A choice of loss, not an algorithm of its own.
#include "attack/cw_linf.h"

#include "attack/pgd.h"

namespace selfgrad {

std::unique_ptr<Attack> make_cw_linf(AttackOptions options) {
  options.loss = AttackLoss::kMargin;
  return std::make_unique<Pgd>(options);
}

}  // namespace selfgrad
