// CW-Linf as robustness papers run it: PGD on the margin loss of Carlini & Wagner
// (2017, https://arxiv.org/abs/1608.04644).
#pragma once

#include <memory>

#include "attack/attack.h"

namespace selfgrad {

/// PGD with loss = margin, cut at `confidence` (50 in Madry et al.; 0 stops at the first misclassified
/// iterate).
std::unique_ptr<Attack> make_cw_linf(AttackOptions options);

}  // namespace selfgrad
