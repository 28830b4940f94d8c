// What is freed comes back, stays bounded, and goes when nobody needs it.
#include "tensor/block_cache.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace selfgrad {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

at::Tensor bytes(int64_t count) {
  return at::empty({count}, at::kByte);
}

TEST(BlockCache, GivesAFreedBlockToTheNextTensorOfItsSize) {
  const BlockCacheGuard guard;
  const int64_t served = block_cache_use().served;
  at::Tensor first = bytes(3 * kMiB);
  const void* place = first.data_ptr();
  first.reset();
  EXPECT_GE(block_cache_use().kept, 3 * kMiB);
  EXPECT_EQ(bytes(3 * kMiB).data_ptr(), place);
  EXPECT_EQ(bytes(3 * kMiB + 100000).data_ptr(), place);  // of about its size
  EXPECT_EQ(block_cache_use().served, served + 2);
}

TEST(BlockCache, KeepsNothingWithoutAGuard) {
  const int64_t others = block_cache_use().in_use;
  at::Tensor outlives;
  {
    const BlockCacheGuard guard;
    outlives = at::full({2 * kMiB}, 7, at::kByte);
    bytes(4 * kMiB);
    EXPECT_GE(block_cache_use().kept, 4 * kMiB);
  }
  EXPECT_EQ(block_cache_use().kept, 0);
  EXPECT_GE(block_cache_use().in_use, others + 2 * kMiB);
  EXPECT_EQ(outlives[kMiB].item<int>(), 7);
  outlives.reset();
  EXPECT_EQ(block_cache_use().in_use, others);
  EXPECT_EQ(block_cache_use().kept, 0);
  bytes(4 * kMiB);
  EXPECT_EQ(block_cache_use().kept, 0);
}

TEST(BlockCache, StaysBelowOneAndAHalfTimesTheMostInUse) {
  const int64_t others = block_cache_use().in_use;
  const BlockCacheGuard guard;
  bytes(32 * kMiB);
  // Sizes that never come again.
  for (int64_t size = 20 * kMiB; size < 31 * kMiB; size += 300000)
    bytes(size);
  const BlockCacheUse use = block_cache_use();
  EXPECT_LE(use.in_use + use.kept, (others + 34 * kMiB) * 3 / 2);
  EXPECT_GT(use.kept, 0);
}

TEST(BlockCache, SharesNoBlockBetweenThreads) {
  const int64_t others = block_cache_use().in_use;
  const BlockCacheGuard guard;
  std::vector<std::thread> threads;
  std::atomic<int> faults{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &faults] {
      for (int i = 0; i < 200; ++i) {
        const at::Tensor mine = at::full({100000 + 7000 * (i % 5)}, t, at::kByte);
        if (!mine.eq(t).all().item<bool>()) ++faults;
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(faults, 0);
  EXPECT_EQ(block_cache_use().in_use, others);
}

}  // namespace
}  // namespace selfgrad
