// APGD: closed form, budget, exact passes, independence of the batch, targets, class counts.
#include "attack/apgd.h"

#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::Attacked;
using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;
using testing::SmallNet;

struct ApgdCase {
  std::string name;
  Norm norm;
};

AttackOptions options_of(const ApgdCase& c, double eps, int64_t steps) {
  AttackOptions options;
  options.name = c.name;
  options.threat = {c.norm, eps};
  options.steps = steps;
  return options;
}

class ApgdAttack : public ::testing::TestWithParam<ApgdCase> {
 protected:
  AttackOptions options(double eps, int64_t steps = 30) const { return options_of(GetParam(), eps, steps); }
  /// An eps at which about half of SmallNet's images break.
  double middle_eps() const { return GetParam().norm == Norm::kLinf ? 0.06 : 0.3; }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, ApgdAttack,
                         ::testing::Values(ApgdCase{"apgd-ce", Norm::kLinf}, ApgdCase{"apgd-ce", Norm::kL2},
                                           ApgdCase{"apgd-dlr", Norm::kLinf}, ApgdCase{"apgd-dlr", Norm::kL2},
                                           ApgdCase{"apgd-t", Norm::kLinf}, ApgdCase{"apgd-t", Norm::kL2}),
                         [](const auto& info) {
                           return info.param.name.substr(5) +
                                  (info.param.norm == Norm::kLinf ? "_linf" : "_l2");
                         });

/// A linear model of five classes, three of them out of reach: its optimum is that of one margin.
struct TwoOfFive : LinearModel {
  TwoOfFive() : LinearModel(5) {
    weight.narrow(0, 2, 3).zero_();
    bias = at::tensor({0.0F, 0.0F, -50.0F, -60.0F, -70.0F});
  }
};

TEST_P(ApgdAttack, BreaksExactlyTheImagesWhoseOptimumIsWithinEps) {
  const TwoOfFive model;
  const at::Tensor images = grey_images(64);
  const at::Tensor optimum = model.optimum(GetParam().norm, images, model(images).argmax(1));
  const double eps = testing::eps_between(optimum);
  EXPECT_TRUE(attack_batch_of(model, options(eps), images).result.success.equal(optimum < eps));
}

TEST_P(ApgdAttack, HoldsTheBudgetAndTheBox) {
  const SmallNet net;
  const at::Tensor images = random_tensor(5, {16, 2, 4, 4}, 0, 1).round();
  const at::Tensor x = attack_batch_of(net, options(0.2), images).result.adversarial;
  test::expect_within({GetParam().norm, 0.2}, images, x);
}

TEST_P(ApgdAttack, IsNotWeakerThanPgdOfAsManySteps) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {128, 2, 4, 4}, 0, 1);
  const auto broken = [&](const AttackOptions& attack) {
    const Attacked attacked = attack_batch_of(net, attack, images);
    EXPECT_TRUE(
        attacked.result.success.equal(misclassified(net(attacked.result.adversarial), attacked.labels)));
    return attacked.result.success.sum().item<int64_t>();
  };
  AttackOptions pgd = options(middle_eps());
  pgd.name = "pgd";
  pgd.alpha = middle_eps() / 4;
  const int64_t by_apgd = broken(options(middle_eps()));
  EXPECT_GE(by_apgd, broken(pgd));
  EXPECT_GT(by_apgd, 0);
  EXPECT_LT(by_apgd, 128);
}

TEST_P(ApgdAttack, DependsOnNeitherBatchNorOrder) {
  testing::expect_independent_of_batches(options(middle_eps(), 20), 70, {{7}, {64}, {35, /*backwards=*/true}},
                                         testing::same_images);
}

TEST_P(ApgdAttack, TakesOneForwardMoreThanStepsWhenNothingBreaks) {
  const bool targeted = GetParam().name == "apgd-t";
  const Attacked attacked = attack_batch_of(SmallNet(), options(0, 5), grey_images(7));
  // SmallNet has five classes: four climbs, and the clean logits that order them.
  EXPECT_EQ(attacked.passes.backward, 7 * 5 * (targeted ? 4 : 1));
  EXPECT_EQ(attacked.passes.forward, targeted ? 7 * (4 * 6 + 1) : 7 * 6);
  EXPECT_FALSE(attacked.result.success.any().item<bool>());
  EXPECT_TRUE(attacked.result.adversarial.equal(grey_images(7)));
}

TEST_P(ApgdAttack, LeavesWithTheStartWhenThatIsMisclassified) {
  const SmallNet net;
  const at::Tensor images = grey_images(3);
  const at::Tensor wrong = (net(images).argmax(1) + 1).remainder(5);
  const std::atomic<bool> stop{false};
  Target target(net, 0, stop);
  const auto run = [&](uint32_t round) {
    return make_attack(options(1e-4))->run(target, images, wrong, at::arange(3, at::kLong), round);
  };
  const AttackResult result = run(0);
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_EQ(target.passes().backward, 3);
  EXPECT_FALSE(result.step.any().item<bool>());
  // Of the third try, behind all climbs of two.
  const int64_t climbs = GetParam().name == "apgd-t" ? 4 : 1;
  EXPECT_TRUE(run(2).step.eq(2 * climbs * options(0).steps).all().item<bool>());
}

TEST_P(ApgdAttack, StartsAnewInEachRound) {
  testing::expect_own_start_in_each_round(options(0.01, 0));
}

TEST_P(ApgdAttack, KeepsTheMemoryFormat) {
  const Attacked attacked = attack_batch_of(SmallNet(), options(0.2), grey_images(16));
  EXPECT_TRUE(attacked.result.adversarial.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(ApgdT, StopsAtTheFirstTargetThatWorks) {
  const TwoOfFive model;
  const at::Tensor images = grey_images(8);
  const double eps = 2 * model.optimum(Norm::kLinf, images, model(images).argmax(1)).max().item<double>();
  const Attacked attacked = attack_batch_of(model, options_of({"apgd-t", Norm::kLinf}, eps, 10), images);
  EXPECT_TRUE(attacked.result.success.all().item<bool>());
  // The likeliest wrong class is the only one within reach; no second climb is begun.
  EXPECT_LE(attacked.passes.forward, 8 * (1 + 11));
}

TEST(ApgdT, AimsAtNoMoreTargetsThanAsked) {
  AttackOptions options = options_of({"apgd-t", Norm::kLinf}, 0, 5);
  options.targets = 2;
  EXPECT_EQ(attack_batch_of(SmallNet(), options, grey_images(7)).passes.backward, 7 * 5 * 2);
}

TEST(Apgd, RefusesTooFewClasses) {
  const auto refusal = [](const std::string& name, int64_t classes) {
    return test::message_of([&] {
      attack_batch_of(LinearModel(classes), options_of({name, Norm::kLinf}, 0.01, 3), grey_images(2));
    });
  };
  EXPECT_EQ(refusal("apgd-ce", 2), "nothing thrown");
  EXPECT_EQ(refusal("apgd-dlr", 3), "nothing thrown");
  EXPECT_EQ(refusal("apgd-t", 4), "nothing thrown");
  EXPECT_EQ(refusal("apgd-dlr", 2),
            "ERR_OPTION Expected at least 3 classes for the loss dlr but received a network with 2. Use the "
            "attack apgd-ce.");
  EXPECT_EQ(refusal("apgd-t", 3),
            "ERR_OPTION Expected at least 4 classes for the loss targeted dlr but received a network with 3. "
            "Use the attack apgd-ce.");
}

}  // namespace
}  // namespace selfgrad
