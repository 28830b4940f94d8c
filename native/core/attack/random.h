// Random points of the ball: what noise alone breaks, the yardstick below every attack.
#pragma once

#include <memory>

#include "attack/attack.h"

namespace selfgrad {

/// One random point a restart (uniform in the ball for linf; for l2 as `random_start` draws), no gradient.
std::unique_ptr<Attack> make_random(AttackOptions options);

}  // namespace selfgrad
