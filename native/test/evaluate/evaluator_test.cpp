// The evaluation as a whole: exact counts, active sets over restarts and attacks, and distrust of the
// attacks.
#include "evaluate/evaluator.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "attack/networks.h"
#include "evaluate/evaluated.h"
#include "fixtures.h"

namespace selfgrad {
namespace {

using test::attack_named;
using test::evaluate_options;
using test::Evaluated;
using test::kCount;
using testing::LinearModel;
using testing::SmallNet;

int64_t count_of(const std::vector<int32_t>& values, int32_t value) {
  return std::count(values.begin(), values.end(), value);
}

TEST(Evaluate, CountsCleanAndRobustImages) {
  Evaluated fixture(SmallNet{});
  const EvaluateResult result = fixture.run(evaluate_options({attack_named("pgd", 0.03)}));
  EXPECT_EQ(result.count, kCount);
  EXPECT_EQ(result.clean, 36);
  EXPECT_EQ(count_of(result.broken_by, kWrongBefore), 4);
  EXPECT_EQ(result.attacks[0].attacked, 36);
  EXPECT_EQ(result.attacks[0].robust, 36 - result.attacks[0].broken);
  EXPECT_GT(result.attacks[0].broken, 0);
  EXPECT_GT(result.robust, 0);
  EXPECT_EQ(count_of(result.broken_by, 0), result.attacks[0].broken);
  EXPECT_EQ(count_of(result.broken_by, kRobust), result.robust);
}

TEST(Evaluate, GivesCleanAccuracyAtEpsZero) {
  Evaluated fixture(SmallNet{});
  const EvaluateResult result = fixture.run(
      evaluate_options({attack_named("fgsm", 0), attack_named("pgd", 0), attack_named("cw-linf", 0)}));
  EXPECT_EQ(result.robust, result.clean);
  for (const AttackOutcome& outcome : result.attacks)
    EXPECT_EQ(outcome.robust, result.clean);
}

TEST(Evaluate, LeavesTheImagesOfTheTargetClassOutAndCountsThemAsRobust) {
  Evaluated fixture(SmallNet{});
  AttackOptions options = attack_named("pgd", 0.3);
  options.target = Aim::kClass;
  options.target_class = fixture.data.labels(at::arange(1, at::kLong)).item<int64_t>();
  EvaluateOptions all = evaluate_options({options});
  all.examples = kCount;
  const EvaluateResult result = fixture.run(all);
  int64_t of_target = 0;
  for (int64_t n = 0; n < kCount; ++n) {
    if (n % 10 == 9 || result.labels[n] != options.target_class) continue;
    ++of_target;
    EXPECT_EQ(result.broken_by[n], kRobust) << n;
  }
  EXPECT_GT(of_target, 0);
  EXPECT_EQ(result.attacks[0].attacked, 36 - of_target);
  EXPECT_GT(result.attacks[0].broken, 0);
  EXPECT_EQ(result.attacks[0].robust, 36 - result.attacks[0].broken);
  EXPECT_EQ(result.attacks[0].robust, result.robust);
  EXPECT_EQ(static_cast<int64_t>(result.examples.size()), result.attacks[0].broken);
  for (const Example& example : result.examples)
    EXPECT_EQ(example.adversarial_prediction, options.target_class);
}

TEST(Evaluate, RefusesATargetThatTheRecountDoesNotFind) {
  const SmallNet net;
  Evaluated fixture(net);
  // Once the attack has been through all images, the network takes none for class 0 any more.
  fixture.network = [&](const at::Tensor& x) {
    const at::Tensor logits = net(x);
    const bool over = !fixture.events.empty() &&
                      fixture.events.back().kind == EvaluateProgress::Kind::kAttack &&
                      fixture.events.back().done == fixture.events.back().total;
    return over ? logits - 100 * at::one_hot(at::zeros_like(logits.argmax(1)), 5) : logits;
  };
  AttackOptions options = attack_named("pgd", 0.5);
  options.target = Aim::kClass;
  try {
    fixture.run(evaluate_options({options}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "ERR_NATIVE");
    EXPECT_NE(std::string(error.what()).find("to be taken for their targets when counted again"),
              std::string::npos)
        << error.what();
  }
}

TEST(Evaluate, MatchesTheClosedFormOfALinearModel) {
  const LinearModel model(2);
  Evaluated fixture(model);
  const at::Tensor all = at::arange(kCount, at::kLong);
  const at::Tensor images = fixture.data.images(all);
  const at::Tensor optimum = model.optimum(Norm::kLinf, images, model(images).argmax(1));
  const double eps = optimum.median().item<double>() * 1.001;
  const EvaluateResult result = fixture.run(evaluate_options({attack_named("pgd", eps)}));
  for (int64_t n = 0; n < kCount; ++n) {
    if (n % 10 == 9) continue;
    EXPECT_EQ(result.broken_by[n] == 0, optimum[n].item<double>() < eps) << "image " << n;
  }
}

/// On two classes each step of PGD lowers the margin m0 by alpha |w_i - w_y|_1: m0 / that many steps, rounded
/// up.
TEST(Evaluate, TellsStepAndMarginOfEachBrokenImage) {
  const LinearModel model(2);
  Evaluated fixture(model);
  const at::Tensor images = fixture.data.images(at::arange(kCount, at::kLong));
  const at::Tensor z = model(images);
  const at::Tensor optimum = std::get<0>(model.optimum(Norm::kLinf, images, z.argmax(1)).sort());
  const double slope = (model.weight[0] - model.weight[1]).abs().sum().item<double>();
  AttackOptions fgsm = attack_named("fgsm", optimum[kCount / 4].item<double>() * 1.001);
  AttackOptions pgd = attack_named("pgd", optimum[3 * kCount / 4].item<double>() * 1.001);
  pgd.alpha = pgd.threat.eps / 10;
  pgd.random_start = false;
  const EvaluateResult result = fixture.run(evaluate_options({fgsm, pgd}));
  std::vector<int64_t> seen(2);
  for (int64_t n = 0; n < kCount; ++n) {
    const double margin = (z[n][0] - z[n][1]).abs().item<double>();
    const int32_t by = result.broken_by[n];
    if (by < 0) {
      EXPECT_EQ(result.steps[n], -1);
      EXPECT_TRUE(std::isnan(result.margins[n]));
      continue;
    }
    ++seen[by];
    const double length = by == 0 ? fgsm.threat.eps : pgd.alpha;
    EXPECT_EQ(result.steps[n], by == 0 ? 1 : static_cast<int32_t>(std::ceil(margin / (length * slope)))) << n;
    EXPECT_NEAR(result.margins[n], margin - result.steps[n] * length * slope, 1e-5) << n;
  }
  EXPECT_GT(seen[0], 2);
  EXPECT_GT(seen[1], 2);
  EXPECT_GT(count_of(result.broken_by, kRobust), 2);
}

/// What `less` breaks, `more` breaks at the same step; what is broken in tries that only `more` has, after
/// `steps`.
void expect_steps_of_earlier_tries(const Logits& network, const AttackOptions& less,
                                   const AttackOptions& more, int32_t steps) {
  Evaluated fixture(network);
  const EvaluateResult once = fixture.run(evaluate_options({less}));
  const EvaluateResult again = fixture.run(evaluate_options({more}));
  int64_t later = 0;
  for (int64_t n = 0; n < kCount; ++n) {
    if (once.broken_by[n] == 0) {
      EXPECT_EQ(again.steps[n], once.steps[n]) << less.name << n;
      EXPECT_LE(once.steps[n], steps);
    } else if (again.broken_by[n] == 0) {
      ++later;
      EXPECT_GE(again.steps[n], steps) << less.name << n;
    }
  }
  EXPECT_GT(later, 0) << less.name;
}

TEST(Evaluate, CountsTheStepsOfEarlierRestarts) {
  for (const auto& [name, eps] :
       std::vector<std::pair<std::string, double>>{{"random", 0.1}, {"pgd", 0.03}, {"square", 0.04}}) {
    AttackOptions once = attack_named(name, eps);
    once.steps = 1;
    once.queries = 4;
    AttackOptions often = once;
    often.restarts = 60;
    expect_steps_of_earlier_tries(SmallNet{}, once, often, name == "square" ? 4 : 1);
  }
}

TEST(Evaluate, CountsTheStepsTowardsEarlierTargets) {
  // The likeliest wrong class is out of reach, the next is not.
  LinearModel model(5);
  const at::Tensor row = model.weight[2].sign();
  model.weight.zero_()[2] = row;
  model.bias = at::tensor({5.0, 4.9, 0.0, -20.0, -20.0}, at::kFloat);
  AttackOptions one = attack_named("apgd-t", 0.25);
  one.targets = 1;
  AttackOptions all = one;
  all.targets = 4;
  expect_steps_of_earlier_tries(model, one, all, static_cast<int32_t>(one.steps));
}

TEST(Evaluate, DependsOnNeitherBatchSizeNorThreads) {
  EvaluateOptions options = evaluate_options({attack_named("pgd", 0.03), attack_named("cw-linf", 0.03)});
  for (AttackOptions& attack : options.attacks)
    attack.restarts = 2;
  const auto run = [&](int64_t batch_size, int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    options.batch_size = batch_size;
    Evaluated fixture(SmallNet{});
    const EvaluateResult result = fixture.run(options);
    at::set_num_threads(before);
    return std::make_pair(result.broken_by, result.steps);
  };
  const auto expected = run(16, 1);
  for (const int64_t batch_size : {1, 3, 8, 40})
    EXPECT_EQ(run(batch_size, 1), expected) << batch_size;
  EXPECT_EQ(run(16, 2), expected);
}

TEST(Evaluate, OfAPartGivesTheImagesOfThatPartWhatTheWholeGivesThem) {
  Evaluated fixture(SmallNet{});
  EvaluateOptions options = evaluate_options({attack_named("fgsm", 0.03), attack_named("pgd", 0.03)});
  options.examples = 4;
  const EvaluateResult whole = fixture.run(options);
  options.first = 17;
  options.count = 20;
  const EvaluateResult part = fixture.run(options);
  const auto middle = [](const std::vector<int32_t>& all) {
    return std::vector<int32_t>(all.begin() + 17, all.begin() + 37);
  };
  EXPECT_EQ(part.labels, middle(whole.labels));
  EXPECT_EQ(part.predictions, middle(whole.predictions));
  EXPECT_EQ(part.broken_by, middle(whole.broken_by));
  EXPECT_EQ(part.steps, middle(whole.steps));
  EXPECT_EQ(part.robust, count_of(part.broken_by, kRobust));
  ASSERT_FALSE(part.examples.empty());
  for (const Example& example : part.examples) {
    EXPECT_GE(example.index, 17);
    EXPECT_LT(example.index, 37);
    EXPECT_EQ(example.label, whole.labels[example.index]);
    EXPECT_TRUE(example.image.equal(fixture.data.images(at::full({1}, example.index, at::kLong))[0]));
  }
}

TEST(Evaluate, CascadeAttacksOnlyWhatStands) {
  const auto attacks = {attack_named("pgd", 0.03), attack_named("cw-linf", 0.03)};
  EvaluateOptions options = evaluate_options(attacks);
  Evaluated fixture(SmallNet{});
  const EvaluateResult apart = fixture.run(options);
  options.cascade = {false, true};
  const EvaluateResult cascade = fixture.run(options);
  EXPECT_EQ(apart.attacks[1].attacked, apart.clean);
  EXPECT_EQ(cascade.attacks[1].attacked, cascade.attacks[0].robust);
  EXPECT_EQ(cascade.robust, cascade.attacks[1].robust);
  EXPECT_EQ(cascade.robust, apart.robust);
  EXPECT_EQ(cascade.broken_by, apart.broken_by);
}

TEST(Evaluate, ACascadeStartsAnewWhereItIsTold) {
  const AttackOptions pgd = attack_named("pgd", 0.03);
  EvaluateOptions options = evaluate_options({pgd, attack_named("cw-linf", 0.03), pgd, pgd});
  options.cascade = {false, true, false, true};
  Evaluated fixture(SmallNet{});
  const EvaluateResult result = fixture.run(options);
  EXPECT_LT(result.attacks[0].robust, result.clean);
  EXPECT_EQ(result.attacks[1].attacked, result.attacks[0].robust);
  EXPECT_EQ(result.attacks[2].attacked, result.clean);
  EXPECT_EQ(result.attacks[3].attacked, result.attacks[2].robust);
}

TEST(Evaluate, RestartsAttackOnlyWhatTheEarlierOnesLeft) {
  AttackOptions attack = attack_named("pgd", 0.03);
  Evaluated fixture(SmallNet{});
  const EvaluateResult once = fixture.run(evaluate_options({attack}));
  attack.restarts = 3;
  const EvaluateResult thrice = fixture.run(evaluate_options({attack}));
  EXPECT_LE(thrice.robust, once.robust);
  const int64_t standing = once.attacks[0].robust;
  EXPECT_LE(thrice.attacks[0].passes.forward,
            once.attacks[0].passes.forward + 2 * standing * (attack.steps + 1));
  EXPECT_GT(thrice.attacks[0].passes.forward, once.attacks[0].passes.forward);
}

TEST(Evaluate, CountsEveryPassExactly) {
  Evaluated fixture(SmallNet{});
  const EvaluateResult result = fixture.run(evaluate_options({attack_named("fgsm", 0.03)}));
  const AttackOutcome& fgsm = result.attacks[0];
  EXPECT_EQ(fgsm.passes.forward, 2 * 36);
  EXPECT_EQ(fgsm.passes.backward, 36);
  // The clean images, the attack, and each broken image once confirmed and once recounted.
  EXPECT_EQ(result.passes.forward, kCount + fgsm.passes.forward + 2 * fgsm.broken);
  EXPECT_EQ(result.passes.backward, fgsm.passes.backward);
}

TEST(Evaluate, AttacksNothingWhenEverythingIsWrongAlready) {
  const LinearModel model(5);
  Evaluated fixture(model);
  fixture.network = [&](const at::Tensor& x) { return -model(x); };
  const EvaluateResult result = fixture.run(evaluate_options({attack_named("pgd", 0.03)}));
  EXPECT_EQ(result.attacks[0].attacked, result.clean);
  EXPECT_LT(result.clean, 5);
  EXPECT_EQ(result.robust, result.attacks[0].robust);
}

TEST(Evaluate, WorksOnOneImage) {
  Evaluated fixture(SmallNet{});
  EvaluateOptions options = evaluate_options({attack_named("pgd", 0.5)});
  options.count = 1;
  options.examples = 3;
  const EvaluateResult result = fixture.run(options);
  EXPECT_EQ(result.clean, 1);
  EXPECT_EQ(result.robust, 0);
  EXPECT_EQ(result.examples.size(), 1U);
}

TEST(Evaluate, CountsCwL2ByItsDistance) {
  Evaluated fixture(SmallNet{});
  const EvaluateResult small = fixture.run(evaluate_options({attack_named("cw-l2", 0.02)}));
  const EvaluateResult large = fixture.run(evaluate_options({attack_named("cw-l2", 100)}));
  EXPECT_LT(small.attacks[0].broken, large.attacks[0].broken);
  ASSERT_FALSE(small.attacks[0].distances.empty());
  // The median is over all images fooled, whatever the budget.
  EXPECT_EQ(small.attacks[0].distances, large.attacks[0].distances);
  for (int64_t n = 0; n < kCount; ++n) {
    EXPECT_TRUE(small.broken_by[n] != 0 || small.steps[n] == large.steps[n]) << n;
  }
  EXPECT_TRUE(fixture.run(evaluate_options({attack_named("pgd", 0.03)})).attacks[0].distances.empty());
}

TEST(Evaluate, ReportsProgressUpToTheTotal) {
  Evaluated fixture(SmallNet{});
  AttackOptions attack = attack_named("pgd", 0.03);
  attack.restarts = 3;
  const EvaluateResult result = fixture.run(evaluate_options({attack}));
  ASSERT_GE(fixture.events.size(), 3U);
  EXPECT_EQ(fixture.events[2].kind, EvaluateProgress::Kind::kClean);
  EXPECT_EQ(fixture.events[2].done, kCount);
  EXPECT_EQ(fixture.events[2].correct, 36);
  const EvaluateProgress& last = fixture.events[fixture.events.size() - 2];
  EXPECT_EQ(last.kind, EvaluateProgress::Kind::kAttack);
  EXPECT_EQ(last.done, last.total);
  EXPECT_EQ(last.broken, result.attacks[0].broken);
  EXPECT_EQ(fixture.events.back().kind, EvaluateProgress::Kind::kAttackEnd);
  EXPECT_EQ(fixture.events.back().correct, result.attacks[0].robust);
}

TEST(Evaluate, RefusesANetworkWhoseAnswerDependsOnTheBatch) {
  // Centring on the batch, as batch normalisation in training mode does, pushes each image against its
  // neighbours.
  const LinearModel model(5);
  Evaluated fixture(model);
  fixture.network = [&](const at::Tensor& x) {
    const at::Tensor z = model(x);
    return z - 0.9 * z.mean(0, /*keepdim=*/true);
  };
  EXPECT_THROW(
      {
        try {
          fixture.run(evaluate_options({attack_named("pgd", 0.05)}));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), "ERR_NATIVE");
          EXPECT_NE(std::string(error.what()).find("put it in evaluation mode"), std::string::npos)
              << error.what();
          throw;
        }
      },
      Error);
}

TEST(Evaluate, NamesTheBatchWhereLogitsAreNotFinite) {
  Evaluated fixture(SmallNet{});
  const SmallNet net;
  int64_t calls = 0;
  fixture.network = [&](const at::Tensor& x) {
    const at::Tensor z = net(x);
    return ++calls == 2 ? at::full_like(z, std::numeric_limits<float>::infinity()) : z;
  };
  EXPECT_EQ(test::message_of([&] { fixture.run(evaluate_options({})); }),
            "ERR_NUMERIC Expected finite logits from the network but received NaN or infinity for 16 of 16 "
            "images, first for image 0 of batch 1 of the clean images. Its weights or a layer overflow: "
            "train with a lower lr.");
}

TEST(Evaluate, StopsWhenItIsTold) {
  const SmallNet net;
  Evaluated fixture(net);
  int64_t calls = 0;
  fixture.network = [&](const at::Tensor& x) {
    if (++calls == 7) fixture.stop = true;
    return net(x);
  };
  EXPECT_THROW(fixture.run(evaluate_options({attack_named("pgd", 0.03)})), Cancelled);
  EXPECT_EQ(calls, 7);
}

}  // namespace
}  // namespace selfgrad
