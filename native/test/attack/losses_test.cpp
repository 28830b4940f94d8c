// The losses: their values, and the label that is masked rather than multiplied away.
#include "attack/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace selfgrad {
namespace {

at::Tensor two_rows() {
  return at::tensor({3.0F, 1.0F, 2.0F, -5.0F, -1.0F, -4.0F}).view({2, 3});
}

TEST(Margin, IsTheBestOtherLogitMinusTheLabels) {
  EXPECT_TRUE(margin(two_rows(), at::tensor({0, 2}, at::kLong)).equal(at::tensor({-1.0F, 3.0F})));
}

TEST(Margin, IgnoresTheLabelWhenAllLogitsAreNegative) {
  // A mask by multiplication would give 0 - (-1) = 1 here: misclassified, which it is not.
  EXPECT_TRUE(margin(two_rows(), at::tensor({1, 1}, at::kLong)).equal(at::tensor({2.0F, -3.0F})));
}

TEST(Misclassified, CountsTheFirstOfEqualLogits) {
  const at::Tensor tie = at::tensor({1.0F, 1.0F, 1.0F, 1.0F}).view({2, 2});
  EXPECT_TRUE(misclassified(tie, at::tensor({0, 1}, at::kLong)).equal(at::tensor({0, 1}).to(at::kBool)));
}

TEST(AttackLoss, CutsTheMarginAtTheConfidence) {
  const at::Tensor labels = at::tensor({0, 2}, at::kLong);
  EXPECT_TRUE(attack_loss(AttackLoss::kMargin, two_rows(), labels, 0.5).equal(at::tensor({-1.0F, 0.5F})));
}

TEST(Dlr, IsTheMarginOverTheGapToTheThird) {
  EXPECT_TRUE(at::allclose(dlr(two_rows(), at::tensor({0, 2}, at::kLong)),
                           at::tensor({-1.0F / 2.0F, 3.0F / 4.0F}), 1e-6));
}

TEST(Dlr, DependsOnNeitherScaleNorShiftOfTheLogits) {
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);
  EXPECT_TRUE(at::allclose(dlr(8 * two_rows() + 3, labels), dlr(two_rows(), labels), 1e-6));
}

TEST(Dlr, IsFiniteWhenAllLogitsAreEqual) {
  EXPECT_EQ(dlr(at::zeros({1, 3}), at::tensor({0}, at::kLong)).item<double>(), 0.0);
}

TEST(TargetedDlr, IsTheLeadOfTheTargetOverTheGapToThirdAndFourth) {
  const at::Tensor logits = at::tensor({5.0F, 4.0F, 2.0F, 1.0F, -9.0F}).view({1, 5});
  const auto value = [&](int64_t label, int64_t target) {
    return targeted_dlr(logits, at::tensor({label}, at::kLong), at::tensor({target}, at::kLong))
        .item<double>();
  };
  EXPECT_NEAR(value(0, 1), -1 / 3.5, 1e-6);
  EXPECT_NEAR(value(2, 0), 3 / 3.5, 1e-6);
  EXPECT_NEAR(value(0, 4), -14 / 3.5, 1e-6);
}

TEST(AttackLoss, CrossEntropyIsMinusLogProbability) {
  const double expected = -std::log(std::exp(3.0) / (std::exp(3.0) + std::exp(1.0) + std::exp(2.0)));
  const at::Tensor loss =
      attack_loss(AttackLoss::kCrossEntropy, two_rows(), at::tensor({0, 0}, at::kLong), 0);
  EXPECT_NEAR(loss[0].item<double>(), expected, 1e-6);
}

}  // namespace
}  // namespace selfgrad
