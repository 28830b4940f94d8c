// Augmentation: the geometry by hand, the exact inverse, and draws that depend on key and index alone.
#include "data/augment.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <set>

#include "fixtures.h"

namespace selfgrad {
namespace {

constexpr DrawKey kAugmentKey{.seed = 1, .purpose = Purpose::kAugment, .round = 0};

bool same(const Transform& a, const Transform& b) {
  return a.dy == b.dy && a.dx == b.dx && a.flip == b.flip;
}

TEST(Augment, MovesAndMirrorsPixelsAsStated) {
  Dataset data(1, {1, 2, 3}, 2);
  const std::vector<uint8_t> pixels{10, 20, 30, 40, 50, 60};
  const int32_t label = 0;
  data.append(pixels.data(), &label, 1);
  const at::Tensor index = at::zeros({1}, at::kLong);
  const auto augmented = [&](const Transform& t) {
    return (augment_images(data.all_pixels(), index, {t}) * 255).round().to(at::kInt).flatten();
  };
  EXPECT_TRUE(at::equal(augmented({}), at::tensor({10, 20, 30, 40, 50, 60}, at::kInt)));
  EXPECT_TRUE(at::equal(augmented({.flip = true}), at::tensor({30, 20, 10, 60, 50, 40}, at::kInt)));
  EXPECT_TRUE(at::equal(augmented({.dy = 1, .dx = 0}), at::tensor({40, 50, 60, 0, 0, 0}, at::kInt)));
  EXPECT_TRUE(at::equal(augmented({.dy = 0, .dx = -1}), at::tensor({0, 10, 20, 0, 40, 50}, at::kInt)));
  EXPECT_TRUE(
      at::equal(augmented({.dy = 0, .dx = 1, .flip = true}), at::tensor({0, 30, 20, 0, 60, 50}, at::kInt)));
}

TEST(Augment, WritingBackWhatWasReadChangesNothing) {
  at::Tensor memory = at::randint(-127, 128, {20, 3, 9, 7}, at::kChar);
  const at::Tensor before = memory.clone();
  const at::Tensor indices = at::arange(20);
  for (uint32_t round = 0; round < 20; ++round) {
    const auto transforms =
        draw_transforms({.crop = 4, .flip = true}, {1, Purpose::kAugment, round}, indices);
    const at::Tensor seen = read_through(memory, indices, transforms, 0.01F);
    write_through(memory, indices, transforms, seen, 0.01F);
    ASSERT_TRUE(at::equal(memory, before)) << "round " << round;
  }
}

TEST(Augment, ReadingBackWhatWasWrittenGivesItWhereverTheImageIs) {
  const at::Tensor indices = at::arange(16);
  for (uint32_t round = 0; round < 10; ++round) {
    at::Tensor memory = at::zeros({16, 2, 6, 8}, at::kChar);
    const auto transforms =
        draw_transforms({.crop = 3, .flip = true}, {2, Purpose::kAugment, round}, indices);
    const at::Tensor values = at::randint(-127, 128, {16, 2, 6, 8}, at::kFloat).mul_(0.01);
    write_through(memory, indices, transforms, values, 0.01F);
    const at::Tensor seen = read_through(memory, indices, transforms, 0.01F);
    const at::Tensor inside = seen.ne(0);
    EXPECT_LT((seen - values).masked_select(inside).abs().max().item<float>(), 1e-6F);
  }
}

TEST(Augment, KeepsWhatTheCropHides) {
  at::Tensor memory = at::zeros({1, 1, 4, 4}, at::kChar).fill_(5);
  const at::Tensor index = at::zeros({1}, at::kLong);
  write_through(memory, index, {{.dy = 2, .dx = 0}}, at::zeros({1, 1, 4, 4}), 1.0F);
  // Rows 2 and 3 were visible as rows 0 and 1; rows 0 and 1 were not.
  EXPECT_EQ(memory[0][0].slice(0, 0, 2).sum().item<int64_t>(), 8 * 5);
  EXPECT_EQ(memory[0][0].slice(0, 2, 4).sum().item<int64_t>(), 0);
}

TEST(Augment, SaturatesInsteadOfWrapping) {
  at::Tensor memory = at::zeros({1, 1, 1, 2}, at::kChar);
  write_through(memory, at::zeros({1}, at::kLong), {{}}, at::tensor({9.0F, -9.0F}).view({1, 1, 1, 2}), 0.01F);
  EXPECT_EQ(memory[0][0][0][0].item<int64_t>(), 127);
  EXPECT_EQ(memory[0][0][0][1].item<int64_t>(), -127);
}

TEST(Augment, DrawsDoNotDependOnTheBatch) {
  const AugmentOptions options{.crop = 4, .flip = true};
  const auto all = draw_transforms(options, kAugmentKey, at::arange(50));
  const auto some = draw_transforms(options, kAugmentKey, at::tensor({49, 3}, at::kLong));
  EXPECT_TRUE(same(some[0], all[49]));
  EXPECT_TRUE(same(some[1], all[3]));
}

TEST(Augment, DrawsEveryOffsetAndBothMirrorings) {
  const auto all = draw_transforms({.crop = 2, .flip = true}, kAugmentKey, at::arange(2000));
  std::set<int> rows;
  std::set<int> columns;
  int flips = 0;
  for (const auto& t : all) {
    rows.insert(t.dy);
    columns.insert(t.dx);
    flips += t.flip ? 1 : 0;
  }
  EXPECT_EQ(rows, (std::set<int>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(columns, rows);
  EXPECT_NEAR(flips, 1000, 100);
  for (const auto& t : draw_transforms({.crop = 0, .flip = false}, kAugmentKey, at::arange(20)))
    EXPECT_TRUE(same(t, {}));
}

}  // namespace
}  // namespace selfgrad
