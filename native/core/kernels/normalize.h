// Bodies of the first layer, (x - mean) / std per channel, and of its gradient.
#pragma once

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

template <class V>
SELFGRAD_BODY V normalized(const V& x, const V& mean, const V& std) {
  return (x - mean) / std;
}

template <class V>
SELFGRAD_BODY V normalized_gradient(const V& gy, const V& std) {
  return gy / std;
}

}  // namespace selfgrad::kernels
