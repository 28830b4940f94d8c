// The active set: who has left writes nothing, and rows are dropped only when it pays.
#include "attack/active_set.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace selfgrad {
namespace {

at::Tensor rows_done(int64_t count, std::initializer_list<int64_t> rows) {
  at::Tensor done = at::zeros({count}, at::kBool);
  for (const int64_t row : rows)
    done[row] = true;
  return done;
}

TEST(ActiveSet, KeepsItsTensorsUntilAnEighthHasLeft) {
  ActiveSet active(16, at::kCPU);
  at::Tensor values = at::arange(16);
  active.leave(rows_done(16, {3}), {&values});
  EXPECT_EQ(values.size(0), 16);
  EXPECT_FALSE(active.alive()[3].item<bool>());
  active.leave(rows_done(16, {5}), {&values});
  EXPECT_EQ(values.size(0), 14);
  EXPECT_TRUE(values.equal(active.rows()));
  EXPECT_EQ(active.rows()[3].item<int64_t>(), 4);
}

TEST(ActiveSet, IsEmptyWhenAllHaveLeft) {
  ActiveSet active(2, at::kCPU);
  active.leave(rows_done(2, {0}), {});
  EXPECT_FALSE(active.empty());
  active.leave(rows_done(1, {0}), {});
  EXPECT_TRUE(active.empty());
}

TEST(ActiveSet, OfNoImagesIsEmpty) {
  EXPECT_TRUE(ActiveSet(0, at::kCPU).empty());
}

TEST(StoreRows, WritesOnlyWhatIsChosen) {
  at::Tensor out = at::zeros({4});
  store_rows(out, at::tensor({3, 1}, at::kLong), rows_done(2, {0}), at::tensor({7.0F, 9.0F}));
  EXPECT_TRUE(out.equal(at::tensor({0.0F, 0.0F, 0.0F, 7.0F})));
}

TEST(SelectRows, KeepsTheMemoryFormat) {
  const at::Tensor x = at::zeros({4, 3, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(select_rows(x, at::tensor({2, 0}, at::kLong)).is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace selfgrad
