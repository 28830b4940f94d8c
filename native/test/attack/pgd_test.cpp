// FGSM, PGD, MI-FGSM, CW-Linf and Square where it shares their promises: closed form on a linear model,
// budget, invariances, exact passes, edges.
#include "attack/pgd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
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

AttackOptions attack_options(const std::string& name, Norm norm, double eps) {
  AttackOptions options;
  options.name = name;
  options.threat = {norm, eps};
  options.alpha = eps / 4;
  options.queries = 500;
  return options;
}

struct PgdCase {
  std::string name;
  Norm norm;
  double reach = 1;  ///< multiple of the smallest perturbation at which an image of a linear model breaks
};

class BoundedAttack : public ::testing::TestWithParam<PgdCase> {
 protected:
  AttackOptions options(double eps) const { return attack_options(GetParam().name, GetParam().norm, eps); }
};

// The bumps of Square for l2 do not resolve single pixels.
INSTANTIATE_TEST_SUITE_P(AllNorms, BoundedAttack,
                         ::testing::Values(PgdCase{"fgsm", Norm::kLinf}, PgdCase{"fgsm", Norm::kL2},
                                           PgdCase{"pgd", Norm::kLinf}, PgdCase{"pgd", Norm::kL2},
                                           PgdCase{"mi-fgsm", Norm::kLinf}, PgdCase{"mi-fgsm", Norm::kL2},
                                           PgdCase{"cw-linf", Norm::kLinf}, PgdCase{"cw-linf", Norm::kL2},
                                           PgdCase{"square", Norm::kLinf}, PgdCase{"square", Norm::kL2, 2}),
                         [](const auto& info) {
                           const std::string& name = info.param.name;
                           return (name == "cw-linf"   ? "cw"
                                   : name == "mi-fgsm" ? "mi_fgsm"
                                                       : name) +
                                  (info.param.norm == Norm::kLinf ? "_linf" : "_l2");
                         });

TEST_P(BoundedAttack, BreaksTheImagesWhoseOptimumIsWithinReachAndNoneBeyondEps) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(64);
  const at::Tensor optimum = model.optimum(GetParam().norm, images, model(images).argmax(1));
  const double certain = testing::eps_between(optimum);
  const double eps = GetParam().reach * certain;
  const at::Tensor success = attack_batch_of(model, options(eps), images).result.success;
  EXPECT_FALSE(success.logical_and(optimum >= eps).any().item<bool>());
  EXPECT_TRUE(success.logical_or(optimum >= certain).all().item<bool>());
}

TEST(Random, TriesOnePointOfTheBallAndIsBrokenByItAlone) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {64, 2, 4, 4}, 0, 1);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    AttackOptions options = attack_options("random", norm, norm == Norm::kLinf ? 0.2 : 1);
    options.steps = 5;  // not its own: no step is taken
    const Attacked attacked = attack_batch_of(net, options, images);
    const at::Tensor x = attacked.result.adversarial;
    test::expect_within(options.threat, images, x);
    const DrawKey key{0, Purpose::kAttackStart, 0};
    EXPECT_TRUE(x.equal(random_point(options.threat, key, at::arange(64, at::kLong), images)));
    EXPECT_TRUE(attacked.result.success.equal(misclassified(net(x), attacked.labels)));
    EXPECT_TRUE(attacked.result.success.any().item<bool>());
  }
}

TEST_P(BoundedAttack, HoldsTheBudgetAndTheBox) {
  const SmallNet net;
  const at::Tensor images = random_tensor(5, {16, 2, 4, 4}, 0, 1).round();
  const at::Tensor x = attack_batch_of(net, options(0.2), images).result.adversarial;
  test::expect_within({GetParam().norm, 0.2}, images, x);
}

TEST_P(BoundedAttack, ReportsASuccessForEveryMisclassifiedImage) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {64, 2, 4, 4}, 0, 1);
  const Attacked attacked =
      attack_batch_of(net, options(GetParam().norm == Norm::kLinf ? 0.06 : 0.3), images);
  const int64_t broken = attacked.result.success.sum().item<int64_t>();
  EXPECT_GT(broken, 0);
  EXPECT_LT(broken, 64);
  EXPECT_TRUE(
      attacked.result.success.equal(misclassified(net(attacked.result.adversarial), attacked.labels)));
}

TEST_P(BoundedAttack, ChangesNothingAtEpsZero) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {8, 2, 4, 4}, 0, 1);
  const Attacked attacked = attack_batch_of(net, options(0), images);
  EXPECT_TRUE(attacked.result.adversarial.equal(images));
  EXPECT_FALSE(attacked.result.success.any().item<bool>());
}

TEST_P(BoundedAttack, DependsOnNeitherBatchNorOrderNorThreads) {
  const SmallNet net;
  const at::Tensor images = random_tensor(8, {8, 2, 4, 4}, 0, 1).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor labels = net(images).argmax(1);
  const auto attack = make_attack(options(GetParam().norm == Norm::kLinf ? 0.06 : 0.3));
  const std::atomic<bool> stop{false};
  const auto run = [&](const at::Tensor& rows) {
    Target target(net, 3, stop);
    return attack->run(target, images.index_select(0, rows), labels.index_select(0, rows), rows, 1);
  };
  const AttackResult whole = run(at::arange(8, at::kLong));
  const auto expect_same = [&](const std::vector<std::vector<int64_t>>& batches) {
    for (const auto& batch : batches) {
      const at::Tensor rows = at::tensor(batch, at::kLong);
      const AttackResult part = run(rows);
      EXPECT_TRUE(at::allclose(part.adversarial, whole.adversarial.index_select(0, rows), 0, 1e-5));
      EXPECT_TRUE(part.success.equal(whole.success.index_select(0, rows)));
    }
  };
  expect_same({{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}});
  expect_same({{0, 1, 2}, {3, 4, 5}, {6, 7}});
  expect_same({{7, 3, 5, 1, 0, 2, 6, 4}});
  const int threads = at::get_num_threads();
  at::set_num_threads(threads == 1 ? 2 : 1);
  expect_same({{0, 1, 2, 3, 4, 5, 6, 7}});
  at::set_num_threads(threads);
}

TEST_P(BoundedAttack, WorksWhenEveryLogitIsNegative) {
  const LinearModel model(4);
  const auto shifted = [&](const at::Tensor& x) { return model(x) - 100.0; };
  const at::Tensor images = grey_images(16);
  EXPECT_TRUE(attack_batch_of(shifted, options(0.05), images)
                  .result.success.equal(attack_batch_of(model, options(0.05), images).result.success));
}

TEST(Fgsm, TakesTwoForwardsAndOneBackward) {
  const Attacked attacked =
      attack_batch_of(SmallNet(), attack_options("fgsm", Norm::kLinf, 0.1), grey_images(7));
  EXPECT_EQ(attacked.passes.forward, 14);
  EXPECT_EQ(attacked.passes.backward, 7);
}

TEST(Pgd, TakesOneForwardMoreThanStepsWhenNothingBreaks) {
  AttackOptions options = attack_options("pgd", Norm::kLinf, 0);
  options.steps = 5;
  const Attacked attacked = attack_batch_of(SmallNet(), options, grey_images(7));
  EXPECT_EQ(attacked.passes.forward, 7 * 6);
  EXPECT_EQ(attacked.passes.backward, 7 * 5);
}

TEST(Pgd, StopsPayingForABrokenImage) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(1);
  const double optimum = model.optimum(Norm::kLinf, images, model(images).argmax(1)).item<double>();
  AttackOptions options = attack_options("pgd", Norm::kLinf, 4 * optimum);
  options.random_start = false;
  options.alpha = 0.4 * optimum;
  // Iterates 0, 1, 2 are correct, iterate 3 (at 1.2 times the optimum) is seen by the fourth forward.
  const Attacked attacked = attack_batch_of(model, options, images);
  EXPECT_TRUE(attacked.result.success.item<bool>());
  EXPECT_EQ(attacked.passes.forward, 4);
  EXPECT_EQ(attacked.passes.backward, 4);
  const at::Tensor size = perturbation_norm(Norm::kLinf, attacked.result.adversarial - images);
  EXPECT_NEAR(size.item<double>(), 1.2 * optimum, 1e-6);
}

TEST(Pgd, DropsBrokenImagesFromTheBatchAtAnEighth) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(64);
  const at::Tensor optimum = model.optimum(Norm::kLinf, images, model(images).argmax(1));
  AttackOptions options = attack_options("pgd", Norm::kLinf, optimum.median().item<double>());
  options.random_start = false;
  options.steps = 12;
  const Attacked attacked = attack_batch_of(model, options, images);
  EXPECT_LT(attacked.passes.backward, 64 * 12);
  EXPECT_GT(attacked.passes.backward, 31 * 12);
}

TEST(Pgd, GoesOnToTheConfidenceThatIsAsked) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(8);
  AttackOptions options = attack_options("cw-linf", Norm::kLinf, 0.3);
  options.alpha = 0.01;
  options.steps = 100;
  options.confidence = 0.5;
  const Attacked attacked = attack_batch_of(model, options, images);
  EXPECT_GE(margin(model(attacked.result.adversarial), attacked.labels).min().item<double>(), 0.5);
}

TEST(Pgd, KeepsWhatItFoundWhenTheConfidenceIsOutOfReach) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(8);
  const double eps = 1.5 * model.optimum(Norm::kLinf, images, model(images).argmax(1)).max().item<double>();
  AttackOptions options = attack_options("cw-linf", Norm::kLinf, eps);
  options.confidence = 50;
  EXPECT_TRUE(attack_batch_of(model, options, images).result.success.all().item<bool>());
}

TEST(Pgd, DrawsAnotherStartInEachRestartAndOnlyWhenAsked) {
  const auto start = [](uint32_t round, bool random) {
    AttackOptions options = attack_options("pgd", Norm::kLinf, 0.01);
    options.steps = 0;
    options.random_start = random;
    const std::atomic<bool> stop{false};
    Target target(SmallNet(), 0, stop);
    const at::Tensor images = grey_images(2);
    return make_attack(options)
               ->run(target, images, SmallNet()(images).argmax(1), at::arange(2, at::kLong), round)
               .adversarial -
           images;
  };
  EXPECT_FALSE(start(0, true).equal(start(1, true)));
  EXPECT_TRUE(start(1, true).equal(start(1, true)));
  EXPECT_EQ(start(0, false).abs().max().item<double>(), 0);
}

TEST(Pgd, KeepsTheMemoryFormat) {
  const Attacked attacked =
      attack_batch_of(SmallNet(), attack_options("pgd", Norm::kLinf, 0.2), grey_images(16));
  EXPECT_TRUE(attacked.result.adversarial.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(Pgd, HasOneRestartWithoutARandomStart) {
  AttackOptions options = attack_options("pgd", Norm::kLinf, 0.1);
  options.restarts = 5;
  EXPECT_EQ(make_attack(options)->restarts(), 5);
  options.random_start = false;
  EXPECT_EQ(make_attack(options)->restarts(), 1);
}

}  // namespace
}  // namespace selfgrad
