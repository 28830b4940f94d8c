// Philox against the published known answers, and the law that a draw depends on its key alone.
#include "tensor/philox.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sort.h>
#include <gtest/gtest.h>

namespace selfgrad {
namespace {

using Words = std::array<uint32_t, 4>;

// Known answers of Random123 1.14 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

constexpr DrawKey kKey{.seed = 7, .purpose = Purpose::kAttackStart, .round = 3};

TEST(Uniform, DoesNotDependOnBatchOrOrder) {
  const at::Tensor all = uniform(kKey, at::arange(9), {3, 5, 5}, -0.5, 0.5);
  for (const int64_t batch : {1, 2, 4}) {
    for (int64_t begin = 0; begin < 9; begin += batch) {
      const at::Tensor indices = at::arange(begin, std::min<int64_t>(begin + batch, 9));
      EXPECT_TRUE(
          at::equal(uniform(kKey, indices, {3, 5, 5}, -0.5, 0.5), all.slice(0, begin, begin + batch)));
    }
  }
  const at::Tensor reversed = at::arange(9).flip(0);
  EXPECT_TRUE(at::equal(uniform(kKey, reversed, {3, 5, 5}, -0.5, 0.5), all.flip(0)));
}

TEST(Uniform, DoesNotDependOnTheNumberOfThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = uniform(kKey, at::arange(64), {3, 8, 8}, 0, 1);
  at::set_num_threads(4);
  const at::Tensor four = uniform(kKey, at::arange(64), {3, 8, 8}, 0, 1);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, four));
}

TEST(Uniform, DiffersBySeedPurposeRoundAndExample) {
  const auto draw = [](DrawKey key, int64_t example) {
    return uniform(key, at::arange(example, example + 1), {16}, 0, 1);
  };
  const at::Tensor base = draw(kKey, 0);
  EXPECT_FALSE(at::equal(base, draw({8, kKey.purpose, kKey.round}, 0)));
  EXPECT_FALSE(at::equal(base, draw({kKey.seed + (uint64_t{1} << 32), kKey.purpose, kKey.round}, 0)));
  EXPECT_FALSE(at::equal(base, draw({kKey.seed, Purpose::kTrainStart, kKey.round}, 0)));
  EXPECT_FALSE(at::equal(base, draw({kKey.seed, kKey.purpose, 4}, 0)));
  EXPECT_FALSE(at::equal(base, draw(kKey, 1)));
}

TEST(Uniform, FillsItsRangeEvenly) {
  const at::Tensor x = uniform(kKey, at::arange(1000), {101}, -2, 2);
  EXPECT_GE(x.min().item<float>(), -2.0F);
  EXPECT_LT(x.max().item<float>(), 2.0F);
  EXPECT_NEAR(x.mean().item<double>(), 0.0, 0.02);
  EXPECT_NEAR(x.var().item<double>(), 16.0 / 12.0, 0.02);
}

TEST(Normal, HasTheMomentsOfAStandardNormal) {
  const at::Tensor x = normal(kKey, at::arange(1000), {101});
  EXPECT_TRUE(x.isfinite().all().item<bool>());
  EXPECT_NEAR(x.mean().item<double>(), 0.0, 0.02);
  EXPECT_NEAR(x.var().item<double>(), 1.0, 0.02);
  EXPECT_NEAR(x.pow(4).mean().item<double>(), 3.0, 0.1);
}

TEST(Permutation, HoldsEveryIndexOnceAndChangesWithTheEpoch) {
  const at::Tensor first = permutation({1, Purpose::kShuffle, 0}, 1000);
  const at::Tensor second = permutation({1, Purpose::kShuffle, 1}, 1000);
  EXPECT_TRUE(at::equal(std::get<0>(first.sort()), at::arange(1000)));
  EXPECT_FALSE(at::equal(first, second));
  EXPECT_TRUE(at::equal(first, permutation({1, Purpose::kShuffle, 0}, 1000)));
}

}  // namespace
}  // namespace selfgrad
