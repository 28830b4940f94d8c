// MI-FGSM: iterated FGSM with momentum (Dong et al. 2018, https://arxiv.org/abs/1710.06081).
#pragma once

#include <memory>

#include "attack/attack.h"

namespace selfgrad {

/// PGD from the image itself along an accumulated direction, g <- decay * g + gradient / |gradient|_1, of the
/// cross-entropy. Reads threat, alpha, steps, decay; an image leaves as in Pgd.
std::unique_ptr<Attack> make_mi_fgsm(AttackOptions options);

}  // namespace selfgrad
