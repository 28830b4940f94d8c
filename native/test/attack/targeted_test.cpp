// Attacks that aim at a class: closed form on a linear network, what counts as success, who draws which
// class, passes, independence of the batch.
#include <ATen/ops/argmin.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::Attacked;
using testing::grey_images;
using testing::random_tensor;
using testing::SmallNet;

/// Three classes along one direction v of 32 pixels, at s = <v, x - 1/2>: class 0 below -0.3, class 2 above
/// 0.1, class 1 between.
struct Ladder {
  at::Tensor height(const at::Tensor& x) const { return (x.contiguous().flatten(1) - 0.5).matmul(v); }
  at::Tensor operator()(const at::Tensor& x) const {
    return at::outer(height(x), at::tensor({-1.0F, 0.0F, 1.0F})) + at::tensor({-0.3F, 0.0F, -0.1F});
  }
  at::Tensor v = random_tensor(21, {32}, -1, 1);
};

class TargetedAttack : public ::testing::TestWithParam<std::string> {
 protected:
  Norm norm() const { return GetParam() == "cw-l2" ? Norm::kL2 : Norm::kLinf; }
  AttackOptions options(double eps, Aim target, int64_t target_class = 0) const {
    AttackOptions options;
    options.name = GetParam();
    options.threat = {norm(), eps};
    options.alpha = eps / 4;
    options.target = target;
    options.target_class = target_class;
    if (GetParam() == "cw-l2") {
      options.steps = 200;
      options.learning_rate = 0.05;
      options.initial_c = 1;
    }
    return options;
  }
  /// An eps at which some of SmallNet's images can be taken for a class of choice.
  double middle_eps() const { return norm() == Norm::kLinf ? 0.2 : 1; }
};

INSTANTIATE_TEST_SUITE_P(AllWithATargetedVersion, TargetedAttack,
                         ::testing::Values("fgsm", "pgd", "mi-fgsm", "cw-linf", "cw-l2", "apgd-ce"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(TargetedAttack, BreaksExactlyTheImagesThatCanBeTakenForTheTarget) {
  const Ladder network;
  const at::Tensor all = grey_images(96);
  const at::Tensor images = all.index_select(0, (network(all).argmax(1) != 0).nonzero().squeeze(1));
  const double slope =
      norm() == Norm::kLinf ? network.v.abs().sum().item<double>() : network.v.norm().item<double>();
  const at::Tensor optimum = (network.height(images) + 0.3) / slope;
  const double eps = testing::eps_between(optimum);
  const Attacked attacked = attack_batch_of(network, options(eps, Aim::kClass, 0), images);
  EXPECT_TRUE(attacked.result.success.equal(optimum < eps));
  EXPECT_TRUE(attacked.result.aims.equal(at::zeros_like(attacked.labels)));
  // Images of class 2 pass class 1 on their way: misclassified, and no success.
  const at::Tensor said = network(attacked.result.adversarial).argmax(1);
  const at::Tensor between = (attacked.labels == 2).logical_and(said == 1);
  if (GetParam() != "cw-l2") {
    EXPECT_TRUE(between.any().item<bool>());
  }
  EXPECT_FALSE(between.logical_and(attacked.result.success).any().item<bool>());
  const at::Tensor broken = attacked.result.success.nonzero().squeeze(1);
  EXPECT_TRUE((said.index_select(0, broken) == 0).all().item<bool>());
  test::expect_within({norm(), eps}, images.index_select(0, broken),
                      attacked.result.adversarial.index_select(0, broken));
}

TEST_P(TargetedAttack, OfTwoClassesIsTheUntargetedOne) {
  const testing::LinearModel model(2);
  const at::Tensor images = grey_images(32);
  const double eps = testing::eps_between(model.optimum(norm(), images, model(images).argmax(1)));
  const Attacked any = attack_batch_of(model, options(eps, Aim::kAnyWrong), images);
  for (const Aim target : {Aim::kLeastLikely, Aim::kRandom}) {
    const Attacked attacked = attack_batch_of(model, options(eps, target), images);
    EXPECT_TRUE(attacked.result.success.equal(any.result.success));
    EXPECT_TRUE(attacked.result.aims.equal(1 - attacked.labels));
    // One forward each tells the classes.
    EXPECT_EQ(attacked.passes.forward, any.passes.forward + 32);
    EXPECT_EQ(attacked.passes.backward, any.passes.backward);
  }
  EXPECT_FALSE(any.result.aims.defined());
}

TEST_P(TargetedAttack, AimsAtTheLeastLikelyWrongClass) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  const Attacked attacked = attack_batch_of(net, options(middle_eps(), Aim::kLeastLikely), images);
  EXPECT_TRUE(attacked.result.aims.equal(net(images).argmin(1)));
  const at::Tensor said = net(attacked.result.adversarial).argmax(1);
  EXPECT_TRUE((said == attacked.result.aims).logical_or(~attacked.result.success).all().item<bool>());
}

TEST_P(TargetedAttack, DependsOnNeitherBatchNorOrder) {
  for (const Aim target : {Aim::kClass, Aim::kLeastLikely, Aim::kRandom}) {
    AttackOptions options = this->options(middle_eps(), target, 3);
    if (GetParam() == "cw-l2") {
      options.steps = 20;
      options.binary_search_steps = 3;
    }
    const AttackResult whole = testing::expect_independent_of_batches(
        options, 30, {{7}, {30, /*backwards=*/true}}, testing::same_images);
    EXPECT_TRUE(whole.success.any().item<bool>());
    EXPECT_FALSE(whole.success.all().item<bool>());
  }
}

at::Tensor drawn(uint64_t seed, uint32_t round, const at::Tensor& rows) {
  AttackOptions options;
  options.name = "fgsm";
  options.target = Aim::kRandom;
  const at::Tensor images = random_tensor(6, {400, 2, 4, 4}, 0, 1).index_select(0, rows);
  const std::atomic<bool> stop{false};
  Target target(SmallNet(), seed, stop);
  return make_attack(options)->run(target, images, SmallNet()(images).argmax(1), rows, round).aims;
}

TEST(RandomTarget, IsAWrongClassOfTheImageInEveryRoundAndBatch) {
  const at::Tensor all = at::arange(400, at::kLong);
  const at::Tensor aims = drawn(0, 0, all);
  EXPECT_FALSE((aims == SmallNet()(random_tensor(6, {400, 2, 4, 4}, 0, 1)).argmax(1)).any().item<bool>());
  EXPECT_TRUE(drawn(0, 3 << 16 | 2, all).equal(aims));
  EXPECT_TRUE(drawn(0, 0, all.narrow(0, 100, 50)).equal(aims.narrow(0, 100, 50)));
  EXPECT_FALSE(drawn(1, 0, all).equal(aims));
}

TEST(RandomTarget, IsEachWrongClassAboutAsOften) {
  const at::Tensor all = at::arange(400, at::kLong);
  const at::Tensor labels = SmallNet()(random_tensor(6, {400, 2, 4, 4}, 0, 1)).argmax(1);
  // Rank among the wrong classes: uniform in 0 … 3, 100 each with a standard deviation of 8.7.
  const at::Tensor aims = drawn(0, 0, all);
  const at::Tensor counts = (aims - (aims > labels).to(at::kLong)).bincount();
  EXPECT_EQ(counts.size(0), 4);
  EXPECT_GT(counts.min().item<int64_t>(), 100 - 35);
  EXPECT_LT(counts.max().item<int64_t>(), 100 + 35);
}

}  // namespace
}  // namespace selfgrad
