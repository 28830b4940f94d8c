// Body of a step of projected gradient ascent in the Linf ball (Madry et al. 2018, arXiv 1706.06083,
// section 2.1): x + alpha sign(g), into the ball of eps around the origin, then into [0, 1].
#pragma once

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

template <class V>
SELFGRAD_BODY V projected_step(const V& x, const V& origin, const V& gradient, const V& alpha, const V& eps) {
  const V sign = positive(gradient) - positive(V(0.0F) - gradient);
  const V delta = clamped(multiply_add(alpha, sign, x) - origin, V(0.0F) - eps, eps);
  return clamped(origin + delta, V(0.0F), V(1.0F));
}

}  // namespace selfgrad::kernels
