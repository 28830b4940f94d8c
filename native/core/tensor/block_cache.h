// Memory of tensors that goes round: a training step frees and takes the same blocks as the one before, and
// asking the system each time costs page faults.
#pragma once

#include <cstdint>

namespace selfgrad {

/// While one lives (several may, on any threads), large blocks of CPU tensors that are freed are kept for the
/// next tensor of about their size. What is in use and kept together stays below one and a half times the
/// most that was in use at once; when the last one ends, everything that is kept goes back to the system.
class BlockCacheGuard {
 public:
  BlockCacheGuard();
  ~BlockCacheGuard();
  BlockCacheGuard(const BlockCacheGuard&) = delete;
  BlockCacheGuard& operator=(const BlockCacheGuard&) = delete;
};

/// Bytes of large blocks, for tests.
struct BlockCacheUse {
  int64_t in_use, kept, served;  ///< served: how often a kept block was used again
};
BlockCacheUse block_cache_use();

}  // namespace selfgrad
