// Bodies of the counter-based draws: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3"), and words as floats.
#pragma once

#include <cstdint>

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

struct PhiloxBlock {
  uint32_t words[4];
};

/// The 10-round bijection of a 128-bit counter under a 64-bit key.
SELFGRAD_BODY PhiloxBlock philox4x32(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  constexpr uint64_t kMultiply0 = 0xD2511F53;
  constexpr uint64_t kMultiply1 = 0xCD9E8D57;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiply0 * counter.words[0];
    const uint64_t product1 = kMultiply1 * counter.words[2];
    counter = {
        {static_cast<uint32_t>(product1 >> 32) ^ counter.words[1] ^ key0, static_cast<uint32_t>(product1),
         static_cast<uint32_t>(product0 >> 32) ^ counter.words[3] ^ key1, static_cast<uint32_t>(product0)}};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

/// 24 random bits as a float in [0, 1): every value is exact.
SELFGRAD_BODY float unit_float(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1.0p-24F;
}

}  // namespace selfgrad::kernels
