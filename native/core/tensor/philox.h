// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3"). A draw depends on (seed, purpose, round, example index, position) alone, so neither batch size,
// order, shard nor thread count can change it.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace selfgrad {

/// What a draw is for; two purposes never share a number. Values are part of the checkpoint format.
enum class Purpose : uint32_t {
  kInit = 1,          ///< initial weights; example = index of the parameter
  kShuffle = 2,       ///< order of an epoch; round = epoch
  kAugment = 3,       ///< crop offsets and flips; round = epoch
  kTrainStart = 4,    ///< start of a training attack; round = epoch
  kAttackStart = 5,   ///< start of an evaluation attack; round = attack << 16 | restart
  kAttackTarget = 6,  ///< classes that evaluation attacks aim at; round = 0
  kStability = 10,    ///< draws of the stability analysis; round = StabilityDraw
};

/// Identifies a family of draws; the example index and the position complete the counter.
struct DrawKey {
  uint64_t seed = 0;
  Purpose purpose = Purpose::kInit;
  uint32_t round = 0;
};

/// The 10-round bijection of a 128-bit counter under a 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// The `block`-th four words of an example's stream.
std::array<uint32_t, 4> draw_block(const DrawKey& key, uint32_t example, uint32_t block);

/// Uniform float32 in [low, high), shape (N, *example_shape), on `device`; indices: (N) int64 on the CPU. The
/// words are those of each example's stream from `first_block` on; the numbers are the same on every device.
at::Tensor uniform(const DrawKey& key, const at::Tensor& indices, at::IntArrayRef example_shape, double low,
                   double high, int64_t first_block = 0, at::Device device = at::kCPU);

/// Standard normal float32 by Box–Muller, shape (N, *example_shape), on the CPU.
at::Tensor normal(const DrawKey& key, const at::Tensor& indices, at::IntArrayRef example_shape);

/// The order of `count` examples in epoch `key.round`: int64 (count), a permutation.
at::Tensor permutation(const DrawKey& key, int64_t count);

}  // namespace selfgrad
