// Bodies of looking at an image through a crop and a flip, and of writing back through them.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

/// The column that a column of the augmented image comes from, inside the image or not.
SELFGRAD_BODY int64_t source_column(int64_t x, int64_t width, int64_t dx, bool flip) {
  return (flip ? width - 1 - x : x) + dx;
}

/// round(value / scale) in -127 … 127.
SELFGRAD_BODY int8_t quantized(float value, float scale) {
  const long rounded = lrintf(value / scale);
  return static_cast<int8_t>(rounded < -127 ? -127 : (rounded > 127 ? 127 : rounded));
}

}  // namespace selfgrad::kernels
