// Which numbers a draw gives, for both compilers: no header of LibTorch.
#pragma once

#include <cstdint>

namespace selfgrad::kernels {

/// A DrawKey of tensor/philox.h, and the first block of each example's stream.
struct CudaDraw {
  uint64_t seed = 0;
  uint32_t purpose = 0, round = 0;
  int64_t first_block = 0;
};

}  // namespace selfgrad::kernels
