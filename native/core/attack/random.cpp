// The start of PGD without its steps.
#include "attack/random.h"

#include "attack/pgd.h"

namespace selfgrad {

std::unique_ptr<Attack> make_random(AttackOptions options) {
  options.steps = 0;
  options.random_start = true;
  return std::make_unique<Pgd>(options);
}

}  // namespace selfgrad
