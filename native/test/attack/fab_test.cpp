// FAB and FAB-T: closed form on linear models, PyTorch's distances (reference/make_fab_reference.py), budget,
// exact passes, independence of the batch, restarts, few classes.
#include "attack/fab.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::Attacked;
using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;
using testing::ReferenceNet;
using testing::SmallNet;

class FabAttack : public ::testing::TestWithParam<std::tuple<std::string, Norm>> {
 protected:
  const std::string& name() const { return std::get<0>(GetParam()); }
  Norm norm() const { return std::get<1>(GetParam()); }
  AttackOptions options(double eps, int64_t steps = 20) const {
    AttackOptions options;
    options.name = name();
    options.threat = {norm(), eps};
    options.steps = steps;
    return options;
  }
  /// An eps at which about half of SmallNet's images break.
  double middle_eps() const { return norm() == Norm::kLinf ? 0.06 : 0.3; }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, FabAttack,
                         ::testing::Combine(::testing::Values("fab", "fab-t"),
                                            ::testing::Values(Norm::kLinf, Norm::kL2)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) == "fab" ? "nearest" : "in_turn") +
                                  (std::get<1>(info.param) == Norm::kLinf ? "_linf" : "_l2");
                         });

TEST_P(FabAttack, FindsTheDistanceToTheHyperplane) {
  for (const int64_t classes : {2, 5, 12}) {
    const LinearModel model(classes);
    const at::Tensor images = grey_images(16);
    const Attacked attacked = attack_batch_of(model, options(10), images);
    const at::Tensor optimum = model.optimum(norm(), images, attacked.labels);
    EXPECT_GE((attacked.result.distance - optimum).min().item<double>(), -1e-6);
    // 1.00522 is what the overshoot leaves in the second step, the closest of a linear model's iterates.
    EXPECT_LE((attacked.result.distance - 1.00522 * optimum).max().item<double>(), 1e-5);
    EXPECT_TRUE(misclassified(model(attacked.result.adversarial), attacked.labels).all().item<bool>());
  }
}

TEST_P(FabAttack, FindsThePyTorchDistances) {
  const ReferenceNet net("fab_reference.safetensors");
  const at::Tensor images = net.file.at("images").contiguous(at::MemoryFormat::ChannelsLast);
  const std::string key = norm() == Norm::kLinf ? "linf." : "l2.";
  const at::Tensor expected = net.file.at(key + (name() == "fab" ? "nearest" : "distance"));
  const at::Tensor found = attack_batch_of(net, options(1), images).result.distance;
  const double error = ((found - expected).abs() / expected).max().item<double>();
  constexpr double kAllowed = 1e-3;
  RecordProperty("percent_of_allowed_error", std::to_string(100 * error / kAllowed));
  EXPECT_LE(error, kAllowed);
}

TEST_P(FabAttack, BreaksExactlyTheImagesWhoseOptimumIsWithinEps) {
  const LinearModel model(5);
  const at::Tensor images = grey_images(64);
  const at::Tensor optimum = model.optimum(norm(), images, model(images).argmax(1));
  const double eps = testing::eps_between(optimum);
  EXPECT_TRUE(attack_batch_of(model, options(eps), images).result.success.equal(optimum < eps));
}

TEST_P(FabAttack, HoldsTheBudgetAndTheBoxAndTellsTheTruth) {
  const SmallNet net;
  const at::Tensor images = random_tensor(5, {64, 2, 4, 4}, -0.2, 1.2).clamp(0, 1);
  const Attacked attacked = attack_batch_of(net, options(middle_eps()), images);
  const AttackResult& result = attacked.result;
  const at::Tensor broken = result.success.nonzero().squeeze(1);
  EXPECT_GT(broken.size(0), 0);
  EXPECT_LT(broken.size(0), 64);
  const at::Tensor adversarial = result.adversarial.index_select(0, broken);
  test::expect_within({norm(), middle_eps()}, images.index_select(0, broken), adversarial);
  test::expect_within({norm(), 100}, images, result.adversarial);
  EXPECT_TRUE(misclassified(net(adversarial), attacked.labels.index_select(0, broken)).all().item<bool>());
  const at::Tensor found = result.distance.isfinite().nonzero().squeeze(1);
  EXPECT_TRUE(at::allclose(perturbation_norm(norm(), result.adversarial - images).index_select(0, found),
                           result.distance.index_select(0, found), 1e-5, 1e-6));
}

TEST_P(FabAttack, IsNotWeakerThanPgdOfAsManySteps) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {128, 2, 4, 4}, 0, 1);
  AttackOptions pgd = options(middle_eps());
  pgd.name = "pgd";
  pgd.alpha = middle_eps() / 4;
  EXPECT_GE(attack_batch_of(net, options(middle_eps()), images).result.success.sum().item<int64_t>(),
            attack_batch_of(net, pgd, images).result.success.sum().item<int64_t>());
}

TEST_P(FabAttack, DependsOnNeitherBatchNorOrder) {
  AttackOptions twice = options(middle_eps(), 5);
  twice.restarts = 2;
  testing::expect_independent_of_batches(
      twice, 30, {{7}, {30, /*backwards=*/true}}, [](const AttackResult& part, const AttackResult& whole) {
        EXPECT_TRUE(at::allclose(part.distance, whole.distance, 1e-4, 1e-6));
      });
}

TEST_P(FabAttack, TakesAForwardAStepAndABackwardForEachAimWhereNothingFools) {
  AttackOptions options = this->options(middle_eps(), 3);
  options.restarts = 2;
  options.targets = 2;
  const SmallNet net;
  const auto certain = [&net](const at::Tensor& x) {
    const at::Tensor logits = net(x);
    return at::cat({logits.narrow(1, 0, 1) + 100, logits.narrow(1, 1, 4)}, 1);
  };
  const Passes passes = attack_batch_of(certain, options, grey_images(7)).passes;
  // The clean logits order the classes, and the last point of a descent is looked at once. SmallNet has five
  // classes: fab looks at four wrong ones in each step.
  if (name() == "fab") {
    EXPECT_EQ(passes.backward, 7 * 3 * 2 * 4);
    EXPECT_EQ(passes.forward, 7 * (1 + (3 + 1) * 2));
    return;
  }
  EXPECT_EQ(passes.backward, 7 * 3 * 2 * 2);
  EXPECT_EQ(passes.forward, 7 * (1 + (3 + 1) * 2 * 2));
  // Of nine targets four are left.
  options.targets = 9;
  EXPECT_EQ(attack_batch_of(certain, options, grey_images(7)).passes.backward, 7 * 3 * 2 * 4);
}

TEST_P(FabAttack, TakesAtMostTwoForwardsAStepWhereMostIsFooled) {
  AttackOptions options = this->options(middle_eps(), 8);
  options.targets = 4;
  const Passes passes = attack_batch_of(SmallNet(), options, grey_images(7)).passes;
  const int64_t descents = name() == "fab" ? 1 : 4;
  EXPECT_GT(passes.forward, 7 * (1 + (8 + 1) * descents));
  EXPECT_LE(passes.forward, 7 * (1 + (2 * 8 + 1) * descents));
  EXPECT_LT(passes.backward, 2 * 7 * 8 * 4);
}

TEST_P(FabAttack, StartsAtTheImageFirstAndAtRandomThen) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  const auto distance = [&](int64_t restarts, uint64_t seed) {
    AttackOptions options = this->options(middle_eps(), 30);
    options.restarts = restarts;
    return attack_batch_of(net, options, images, seed).result.distance;
  };
  const at::Tensor once = distance(1, 0);
  const at::Tensor often = distance(2, 0);
  EXPECT_TRUE(once.equal(distance(1, 1)));
  EXPECT_FALSE(often.equal(distance(2, 1)));
  EXPECT_TRUE((often <= once).all().item<bool>());
}

TEST_P(FabAttack, StopsWithinEpsWithTheSameVerdictsAndFewerPasses) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {64, 2, 4, 4}, 0, 1);
  AttackOptions options = this->options(middle_eps());
  options.restarts = 2;
  const Attacked whole = attack_batch_of(net, options, images);
  options.stop_within_eps = true;
  const Attacked stopped = attack_batch_of(net, options, images);
  EXPECT_TRUE(stopped.result.success.equal(whole.result.success));
  EXPECT_TRUE(whole.result.success.any().item<bool>());
  EXPECT_FALSE(whole.result.success.all().item<bool>());
  EXPECT_LT(stopped.passes.forward, whole.passes.forward);
  EXPECT_LT(stopped.passes.backward, whole.passes.backward);
  EXPECT_FALSE(stopped.result.distance.defined());
  const at::Tensor broken = whole.result.success.nonzero().squeeze(1);
  const at::Tensor adversarial = stopped.result.adversarial.index_select(0, broken);
  test::expect_within({norm(), middle_eps()}, images.index_select(0, broken), adversarial);
  EXPECT_TRUE(misclassified(net(adversarial), whole.labels.index_select(0, broken)).all().item<bool>());
  // Found at the same step or earlier: what is nearer comes later.
  EXPECT_TRUE((stopped.result.step <= whole.result.step).index_select(0, broken).all().item<bool>());
}

TEST_P(FabAttack, SkipsEverythingAfterTheFirstStepWhereItBreaksAll) {
  AttackOptions options = this->options(10, 100);
  options.restarts = 3;
  options.stop_within_eps = true;
  const Passes passes = attack_batch_of(LinearModel(2), options, grey_images(7)).passes;
  // The clean logits, the boundary at the image, and the look at the first step with the next boundary.
  EXPECT_EQ(passes.forward, 7 * 3);
  EXPECT_EQ(passes.backward, 7 * 2);
}

TEST_P(FabAttack, DependsOnNeitherBatchNorOrderWhereItStops) {
  AttackOptions options = this->options(middle_eps(), 5);
  options.restarts = 2;
  options.stop_within_eps = true;
  testing::expect_independent_of_batches(options, 30, {{7}, {30, /*backwards=*/true}}, testing::same_images);
}

TEST_P(FabAttack, FindsNothingOnAConstantNetwork) {
  const LinearModel model(3);
  const auto constant = [&](const at::Tensor& x) { return 0.0 * model(x) + model.bias; };
  const AttackResult result = attack_batch_of(constant, options(10, 3), grey_images(2)).result;
  EXPECT_FALSE(result.success.any().item<bool>());
  EXPECT_FALSE(result.distance.isfinite().any().item<bool>());
  EXPECT_TRUE(result.adversarial.equal(grey_images(2)));
}

TEST_P(FabAttack, KeepsTheMemoryFormat) {
  const AttackResult result = attack_batch_of(SmallNet(), options(10, 5), grey_images(4)).result;
  EXPECT_TRUE(result.success.any().item<bool>());
  EXPECT_TRUE(result.adversarial.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST_P(FabAttack, BreaksNothingAtEpsZero) {
  const AttackResult result = attack_batch_of(SmallNet(), options(0, 5), grey_images(4)).result;
  EXPECT_FALSE(result.success.any().item<bool>());
}

}  // namespace
}  // namespace selfgrad
