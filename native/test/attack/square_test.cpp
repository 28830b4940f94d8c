// Square: the schedule of the paper, its windows, closed forms, exact passes, independence of the batch.
#include "attack/square.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attack/square_proposal.h"
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

TEST(SquareShare, FollowsThePaper) {
  const auto halvings = [](int64_t iteration, int64_t queries) {
    return std::log2(0.8 / square_share(0.8, iteration, queries));
  };
  const std::vector<int64_t> last{10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
  EXPECT_EQ(halvings(0, 10000), 0);
  for (size_t i = 0; i < last.size(); ++i) {
    EXPECT_EQ(halvings(last[i], 10000), static_cast<double>(i));
    EXPECT_EQ(halvings(last[i] + 1, 10000), static_cast<double>(i + 1));
  }
  EXPECT_EQ(halvings(9999, 10000), 9);
  EXPECT_EQ(halvings(5, 5000), 0);
  EXPECT_EQ(halvings(6, 5000), 1);
  EXPECT_EQ(halvings(4999, 5000), 9);
}

TEST(SquareSide, CoversTheShareWithinItsLimits) {
  EXPECT_EQ(square_side(Norm::kLinf, 0.8, 32, 32), 29);
  EXPECT_EQ(square_side(Norm::kLinf, 0.8 / 512, 32, 32), 1);
  EXPECT_EQ(square_side(Norm::kLinf, 1, 8, 32), 8);
  EXPECT_EQ(square_side(Norm::kL2, 0.4, 32, 32), 21);
  EXPECT_EQ(square_side(Norm::kL2, 0.8 / 512, 32, 32), 3);
  EXPECT_EQ(square_side(Norm::kL2, 1, 32, 32), 32);
}

TEST(SquareBumps, AreTheSumsOfThePaper) {
  // Side 3: the upper bump has one row, the lower one two; heights are sums of 1 / (k + 1)^2.
  const double high = 1 + 1.0 / 4, low = 1.0 / 4;
  const double upper = std::sqrt(high * high + 2 * low * low), lower = std::sqrt(high * high + 5 * low * low);
  const at::Tensor expected = at::tensor({low / upper, high / upper, low / upper,      //
                                          -low / lower, -low / lower, -low / lower,    //
                                          -low / lower, -high / lower, -low / lower})  //
                                  .view({3, 3}) /
                              std::sqrt(2.0);
  EXPECT_TRUE(at::allclose(square_bumps(3), expected.to(at::kFloat), 1e-6));
  for (const int64_t side : {1, 2, 4, 29})
    EXPECT_NEAR(at::linalg_vector_norm(square_bumps(side)).item<double>(), 1, 1e-6);
}

class SquareMove : public ::testing::TestWithParam<Norm> {
 protected:
  static constexpr int64_t kImages = 400;
  const Threat threat{GetParam(), 0.2};
  const DrawKey key{5, Purpose::kAttackStart, 0};
  const at::Tensor indices = at::arange(kImages, at::kLong);
  const at::Tensor origin = at::full({kImages, 3, 10, 10}, 0.5);
  at::Tensor start() const { return square_start(threat, key, indices, origin); }
  at::Tensor proposal(int64_t query, const at::Tensor& x) const {
    return square_proposal(threat, key, indices, query, 3, origin, x).images;
  }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, SquareMove, ::testing::Values(Norm::kLinf, Norm::kL2),
                         [](const auto& info) { return info.param == Norm::kLinf ? "linf" : "l2"; });

TEST_P(SquareMove, StaysOnTheSurface) {
  const at::Tensor radius = at::full({kImages}, threat.eps);
  at::Tensor x = start();
  EXPECT_TRUE(at::allclose(perturbation_norm(threat.norm, x - origin), radius, 1e-5));
  for (int64_t query = 1; query < 5; ++query) {
    x = proposal(query, x);
    EXPECT_TRUE(at::allclose(perturbation_norm(threat.norm, x - origin), radius, 1e-5));
  }
}

TEST_P(SquareMove, ReachesEveryPixelAndEveryImageDrawsItsOwn) {
  const at::Tensor x = start();
  const at::Tensor changed = (proposal(1, x) - x).abs().amax(1) > 1e-3;
  EXPECT_TRUE(changed.any(0).all().item<bool>());
  EXPECT_FALSE(changed.select(0, 0).equal(changed.select(0, 1)) &&
               changed.select(0, 1).equal(changed.select(0, 2)));
  EXPECT_FALSE(proposal(1, x).equal(proposal(2, x)));
}

TEST(SquareMoveLinf, ChangesOneWindowBySignsOfEps) {
  const Threat threat{Norm::kLinf, 0.2};
  const at::Tensor indices = at::arange(50, at::kLong), origin = at::full({50, 3, 10, 10}, 0.5);
  const at::Tensor x = square_proposal(threat, {}, indices, 1, 4, origin, origin).images;
  const at::Tensor delta = x - origin;
  EXPECT_TRUE(((delta != 0).sum({2, 3}) == 16).all().item<bool>());
  EXPECT_TRUE(at::allclose(delta.sum({2, 3}).abs(), at::full({50, 3}, 16 * 0.2), 1e-5));
}

TEST(SquareMoveLinf, StartsInVerticalStripes) {
  const at::Tensor origin = at::full({20, 3, 10, 10}, 0.5);
  const at::Tensor delta = square_start({Norm::kLinf, 0.2}, {}, at::arange(20, at::kLong), origin) - origin;
  EXPECT_TRUE(delta.equal(delta.narrow(2, 0, 1).expand_as(delta)));
  EXPECT_TRUE(at::allclose(delta.abs(), at::full_like(delta, 0.2), 1e-5));
  EXPECT_NEAR(delta.sign().mean().item<double>(), 0, 0.15);
}

TEST(SquareMoveL2, PutsAllOfEpsIntoOneWindowOfBumpsWhenNothingIsSpent) {
  const at::Tensor origin = at::full({40, 2, 9, 7}, 0.5);
  const at::Tensor delta =
      square_proposal({Norm::kL2, 0.3}, {}, at::arange(40, at::kLong), 1, 5, origin, origin).images - origin;
  const at::Tensor expected = square_bumps(5) * (0.3 / std::sqrt(2.0));
  int64_t standing = 0;
  for (const at::Tensor& channel : delta.flatten(0, 1).unbind()) {
    const at::Tensor places = (channel != 0).nonzero();
    const at::Tensor corner = std::get<0>(places.min(0));
    ASSERT_EQ(places.size(0), 25);
    const at::Tensor window =
        channel.narrow(0, corner[0].item<int64_t>(), 5).narrow(1, corner[1].item<int64_t>(), 5);
    const auto is = [&](const at::Tensor& bumps) {
      return at::allclose(window, bumps, 1e-4, 1e-6) || at::allclose(window, -bumps, 1e-4, 1e-6);
    };
    EXPECT_NE(is(expected), is(expected.t()));
    standing += is(expected.t()) ? 1 : 0;
  }
  EXPECT_GT(standing, 20);
  EXPECT_LT(standing, 60);
}

TEST(SquareMoveL2, MovesTheNormOfTwoWindowsIntoTheFirst) {
  const Threat threat{Norm::kL2, 0.3};
  const at::Tensor indices = at::arange(60, at::kLong), origin = at::full({60, 2, 9, 9}, 0.5);
  const at::Tensor x = square_start(threat, {}, indices, origin);
  const at::Tensor before = x - origin,
                   after = square_proposal(threat, {}, indices, 1, 3, origin, x).images - origin;
  // Outside of both windows nothing changes; the second, where it is not the first, is zero.
  const at::Tensor changed = (after - before).abs() > 1e-6;
  const at::Tensor pixels = changed.any(1).sum({1, 2});
  EXPECT_GE(pixels.min().item<int64_t>(), 9);
  EXPECT_LE(pixels.max().item<int64_t>(), 18);
  // Each channel keeps the norm that it had in the two windows: nothing of eps was unused.
  const auto norm = [](const at::Tensor& delta) { return at::linalg_vector_norm(delta, 2, {2, 3}); };
  EXPECT_TRUE(at::allclose(norm(after), norm(before), 1e-4, 1e-5));
}

AttackOptions square_options(Norm norm, double eps, int64_t queries) {
  AttackOptions options;
  options.name = "square";
  options.threat = {norm, eps};
  options.queries = queries;
  options.schedule = queries;
  return options;
}

class SquareAttack : public ::testing::TestWithParam<Norm> {
 protected:
  AttackOptions options(double eps, int64_t queries = 300) const {
    return square_options(GetParam(), eps, queries);
  }
  /// An eps at which about half of SmallNet's images break.
  double middle_eps() const { return GetParam() == Norm::kLinf ? 0.06 : 0.3; }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, SquareAttack, ::testing::Values(Norm::kLinf, Norm::kL2),
                         [](const auto& info) { return info.param == Norm::kLinf ? "linf" : "l2"; });

TEST_P(SquareAttack, BreaksNothingOutOfReachAndAllThatIsEasy) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(64);
  const at::Tensor optimum = model.optimum(GetParam(), images, model(images).argmax(1));
  const auto broken = [&](double eps) {
    return attack_batch_of(model, options(eps), images).result.success.sum().item<int64_t>();
  };
  EXPECT_EQ(broken(0.99 * optimum.min().item<double>()), 0);
  EXPECT_EQ(broken(2.5 * optimum.max().item<double>()), 64);
}

TEST_P(SquareAttack, TakesAsManyForwardsAsQueriesWhenNothingBreaks) {
  for (const int64_t queries : {1, 2, 40}) {
    const Attacked attacked = attack_batch_of(SmallNet(), options(0, queries), grey_images(7));
    EXPECT_EQ(attacked.passes.forward, 7 * queries);
    EXPECT_EQ(attacked.passes.backward, 0);
  }
}

TEST_P(SquareAttack, LeavesWithTheStartWhenThatIsMisclassified) {
  const SmallNet net;
  const at::Tensor images = grey_images(3);
  const at::Tensor wrong = (net(images).argmax(1) + 1).remainder(5);
  const std::atomic<bool> stop{false};
  Target target(net, 0, stop);
  const AttackResult result =
      make_attack(options(1e-4))->run(target, images, wrong, at::arange(3, at::kLong), 0);
  EXPECT_TRUE(result.success.all().item<bool>());
  EXPECT_EQ(target.passes().forward, 3);
}

TEST_P(SquareAttack, BreaksMoreWithMoreQueries) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(64);
  const double median = model.optimum(GetParam(), images, model(images).argmax(1)).median().item<double>();
  const double eps = (GetParam() == Norm::kLinf ? 1.1 : 2) * median;
  int64_t fewer = 0;
  for (const int64_t queries : {100, 1000}) {
    const int64_t broken =
        attack_batch_of(model, options(eps, queries), images).result.success.sum().item<int64_t>();
    EXPECT_GT(broken, fewer) << queries << " queries";
    fewer = broken;
  }
}

TEST_P(SquareAttack, TellsTheTruthAboutWhatItBroke) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {64, 2, 4, 4}, 0, 1);
  const Attacked attacked = attack_batch_of(net, options(middle_eps()), images);
  EXPECT_TRUE(
      attacked.result.success.equal(misclassified(net(attacked.result.adversarial), attacked.labels)));
}

TEST_P(SquareAttack, RaisesTheMarginOfWhatItDoesNotBreak) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(16);
  const at::Tensor labels = model(images).argmax(1);
  const double eps = 0.3 * model.optimum(GetParam(), images, labels).min().item<double>();
  at::Tensor before = at::full({16}, -std::numeric_limits<float>::infinity());
  for (const int64_t queries : {1, 1000}) {
    const AttackResult result = attack_batch_of(model, options(eps, queries), images).result;
    const at::Tensor after = margin(model(result.adversarial), labels);
    EXPECT_TRUE((after > before).all().item<bool>());
    before = after;
  }
}

TEST_P(SquareAttack, FindsTheSameAloneAndInAnyBatch) {
  const AttackResult whole = testing::expect_independent_of_batches(
      options(middle_eps(), 100), 40, {{1}, {13, /*backwards=*/true}}, testing::same_images);
  EXPECT_GT(whole.success.sum().item<int64_t>(), 0);
  EXPECT_LT(whole.success.sum().item<int64_t>(), 40);
}

TEST_P(SquareAttack, DrawsAnewInEachRound) {
  testing::expect_own_start_in_each_round(options(0.01, 1));
}

TEST_P(SquareAttack, KeepsTheMemoryFormat) {
  const Attacked attacked = attack_batch_of(SmallNet(), options(0.2, 20), grey_images(16));
  EXPECT_TRUE(attacked.result.adversarial.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST_P(SquareAttack, FollowsTheScheduleOfMoreQueries) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {64, 2, 4, 4}, 0, 1);
  const double eps = GetParam() == Norm::kLinf ? 0.06 : 0.3;
  AttackOptions half = options(eps, 100);
  half.schedule = 200;
  const AttackResult longer = attack_batch_of(net, options(eps, 200), images).result;
  const AttackResult shorter = attack_batch_of(net, half, images).result;
  const at::Tensor broken = shorter.success.nonzero().squeeze(1);
  EXPECT_GT(broken.size(0), 0);
  EXPECT_TRUE(shorter.adversarial.index_select(0, broken).equal(longer.adversarial.index_select(0, broken)));
}

TEST_P(SquareAttack, WorksOnImagesThatAreNotSquareAndOnOnePixel) {
  for (const auto& shape : {std::vector<int64_t>{4, 1, 3, 11}, std::vector<int64_t>{4, 3, 12, 7},
                            std::vector<int64_t>{4, 3, 1, 1}}) {
    const at::Tensor images = random_tensor(9, shape, 0, 1);
    const auto network = [](const at::Tensor& x) {
      const at::Tensor mean = x.flatten(1).mean(1, /*keepdim=*/true);
      return at::cat({mean - 2, 2 - mean}, 1);
    };
    const AttackResult result = attack_batch_of(network, options(0.1, 30), images).result;
    test::expect_within({GetParam(), 0.1}, images, result.adversarial);
    EXPECT_FALSE(result.success.any().item<bool>());
  }
}

}  // namespace
}  // namespace selfgrad
