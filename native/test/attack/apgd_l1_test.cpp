// APGD in L1: its sparse steps, its schedule, the greedy optimum of a linear network, independence of the
// batch.
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "attack/apgd_l1_climb.h"
#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::Attacked;
using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;

AttackOptions l1_options(const std::string& name, double eps, int64_t steps = 100) {
  AttackOptions options;
  options.name = name;
  options.threat = {Norm::kL1, eps};
  options.steps = steps;
  options.targets = 4;
  return options;
}

/// The sum of thousands of float32 numbers is off by some of its own.
void expect_within_l1(double eps, const at::Tensor& images, const at::Tensor& x) {
  const at::Tensor size = (x.to(at::kDouble) - images.to(at::kDouble)).abs().flatten(1).sum(1);
  EXPECT_LE(size.max().item<double>(), eps * (1 + 1e-6));
  EXPECT_GE(x.min().item<double>(), 0);
  EXPECT_LE(x.max().item<double>(), 1);
}

TEST(SparseDirection, MovesTheLargestCoordinatesAlike) {
  const at::Tensor gradient = at::tensor({0.1F, -0.4F, 0.3F, 0.0F}).view({1, 1, 2, 2});
  const auto of = [&](double share) {
    return sparse_direction(gradient, at::full({1}, share, at::kFloat)).flatten();
  };
  EXPECT_TRUE(of(0.5).equal(at::tensor({0.0F, -0.5F, 0.5F, 0.0F})));
  EXPECT_TRUE(of(0.25).equal(at::tensor({0.0F, -1.0F, 0.0F, 0.0F})));
  EXPECT_TRUE(of(0).equal(at::tensor({0.0F, -1.0F, 0.0F, 0.0F})));  // at least one
  // A coordinate without a gradient stays where it is and takes no part of the step.
  EXPECT_TRUE(at::allclose(of(1), at::tensor({1.0F, -1.0F, 1.0F, 0.0F}) / 3));
  EXPECT_TRUE(sparse_direction(at::zeros_like(gradient), at::ones({1})).equal(at::zeros_like(gradient)));
}

TEST(SparseDirection, TakesAllThatAreAsLargeAsTheLast) {
  const at::Tensor gradient = at::tensor({0.4F, -0.4F, 0.1F, 0.4F}).view({1, 1, 2, 2});
  EXPECT_TRUE(at::allclose(sparse_direction(gradient, at::full({1}, 0.25F)).flatten(),
                           at::tensor({1.0F, -1.0F, 0.0F, 1.0F}) / 3));
}

TEST(ApgdL1Climb, ShrinksItsStepsWhereThePointDoesNotGetSparser) {
  const at::Tensor origin = grey_images(1);
  ApgdL1Climb climb({Norm::kL1, 3.0}, 50, origin, origin + 0.01);
  const at::Tensor gradient = random_tensor(3, {1, 2, 4, 4}, -1, 1);
  std::vector<double> etas;
  for (int step = 0; step < 18; ++step) {
    // The start stays the best point: all its 32 coordinates are changed.
    climb.step(at::full({1}, -static_cast<double>(step), at::kFloat), gradient);
    etas.push_back(climb.eta().item<double>());
  }
  EXPECT_NEAR(climb.kept().item<double>(), 1 / 1.5, 1e-6);
  // A checkpoint every 0.04 · 50 = 2 steps; 3 / 1.5^k down to 0.3.
  for (int step = 0; step < 18; ++step) {
    const int checkpoints = step / 2;
    EXPECT_NEAR(etas[step], std::max(0.3, 3 / std::pow(1.5, checkpoints)), 1e-5) << step;
  }
}

TEST(ApgdL1Climb, GoesBackToASparserPointWithFullSteps) {
  const at::Tensor origin = grey_images(1);
  ApgdL1Climb climb({Norm::kL1, 0.5}, 25, origin,
                    origin + random_tensor(9, {1, 2, 4, 4}, 0.001, 0.02));  // a checkpoint each step
  const at::Tensor gradient = random_tensor(3, {1, 2, 4, 4}, -1, 1);
  climb.step(at::full({1}, 0.0F), gradient);
  const at::Tensor sparse = climb.x();
  const auto changed = (sparse != origin).sum().item<int64_t>();
  ASSERT_LT(changed, 30);
  climb.step(at::full({1}, 1.0F), gradient);  // the best so far, sparser than 32
  EXPECT_NEAR(climb.kept().item<double>(), static_cast<double>(changed) / 32 / 1.5, 1e-6);
  EXPECT_NEAR(climb.eta().item<double>(), 0.5, 1e-7);
  // A worse point: still the same best one, which has not become sparser.
  climb.step(at::full({1}, 0.5F), -gradient);
  EXPECT_NEAR(climb.eta().item<double>(), 0.5 / 1.5, 1e-7);
}

/// The smallest L1 perturbation that reaches the boundary of a linear network of two classes within the box:
/// coordinates in the order of their weights, each as far as there is room.
at::Tensor greedy_optimum(const LinearModel& model, const at::Tensor& images) {
  const at::Tensor logits = model(images);
  std::vector<double> smallest;
  for (int64_t n = 0; n < images.size(0); ++n) {
    const auto y = logits[n].argmax().item<int64_t>();
    const at::Tensor rise = model.weight[1 - y] - model.weight[y];
    const at::Tensor x = images[n].contiguous().flatten();
    double gap = (logits[n][y] - logits[n][1 - y]).item<double>(), length = 0;
    const at::Tensor order = rise.abs().argsort(0, /*descending=*/true);
    for (int64_t i = 0; i < 32 && gap > 0; ++i) {
      const auto at = order[i].item<int64_t>();
      const double up = rise[at].item<double>(),
                   room = up > 0 ? 1 - x[at].item<double>() : x[at].item<double>();
      const double move = std::min(room, gap / std::abs(up));
      length += move;
      gap -= move * std::abs(up);
    }
    smallest.push_back(length);
  }
  return at::tensor(smallest);
}

TEST(ApgdL1, ReachesTheGreedyOptimumOfALinearNetwork) {
  const LinearModel model(2);
  const at::Tensor images = grey_images(40);
  const at::Tensor optimum = greedy_optimum(model, images);
  const double eps = testing::eps_between(optimum);
  ASSERT_GT(eps, 0.4);  // more than one coordinate holds
  const Attacked found = attack_batch_of(model, l1_options("apgd-ce", eps), images);
  expect_within_l1(eps, images, found.result.adversarial);
  // None below the optimum, all that are 5 % above it.
  EXPECT_FALSE(found.result.success.logical_and(optimum > eps * 1.0001).any().item<bool>());
  EXPECT_TRUE(found.result.success.logical_or(optimum * 1.05 > eps).all().item<bool>());
  EXPECT_TRUE(found.result.success.any().item<bool>());
}

class ApgdL1Reference : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(PyTorch, ApgdL1Reference, ::testing::Values("ce", "dlr", "targeted"),
                         [](const auto& info) { return info.param; });

TEST_P(ApgdL1Reference, ProducesPyTorchValues) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "reference";
  const TensorFile file = read_safetensors((folder / "apgd_l1_reference.safetensors").string());
  const auto reference = [&, prefix = "l1." + GetParam() + "."](const char* name) {
    return file.at(prefix + name);
  };
  const at::Tensor labels = reference("labels");
  const auto loss = [&](const at::Tensor& x) {
    const at::Tensor a = at::sin(at::conv2d(x, file.at("conv1"), file.at("bias1"), 1, 1));
    const at::Tensor b = at::sin(at::conv2d(a, file.at("conv2"), file.at("bias2"), 2, 1));
    const at::Tensor z = at::linear(b.contiguous().flatten(1), file.at("head"));
    if (GetParam() == "ce") return attack_loss(AttackLoss::kCrossEntropy, z, labels, 0);
    return GetParam() == "dlr" ? dlr(z, labels) : targeted_dlr(z, labels, reference("aims"));
  };
  const int64_t steps = reference("losses").size(1);
  ApgdL1Climb climb({Norm::kL1, 1.5}, steps, reference("images"), reference("starts"));
  std::vector<at::Tensor> losses, etas, shares;
  at::Tensor last;
  for (int64_t step = 0; step < steps; ++step) {
    last = climb.x().detach().requires_grad_();
    const at::Tensor value = loss(last);
    climb.step(value.detach(), torch::autograd::grad({value.sum()}, {last})[0]);
    losses.push_back(value.detach());
    etas.push_back(climb.eta());
    shares.push_back(climb.kept());
  }
  constexpr double kAllowed = 1e-4;
  const auto expect_close = [&](const char* name, const at::Tensor& values) {
    const double error = (values - reference(name)).abs().max().item<double>();
    RecordProperty(std::string(name) + "_percent_of_allowed_error", std::to_string(100 * error / kAllowed));
    EXPECT_LE(error, kAllowed) << name;
  };
  expect_close("losses", at::stack(losses, 1));
  expect_close("etas", at::stack(etas, 1));
  expect_close("shares", at::stack(shares, 1));
  expect_close("last", last.detach());
}

class ApgdL1 : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Losses, ApgdL1, ::testing::Values("apgd-ce", "apgd-dlr", "apgd-t"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(ApgdL1, DependsOnNeitherBatchNorOrder) {
  const AttackResult whole = testing::expect_independent_of_batches(
      l1_options(GetParam(), 0.8, 25), 30, {{1}, {7}, {30, /*backwards=*/true}}, testing::same_images);
  EXPECT_TRUE(whole.success.any().item<bool>());
  EXPECT_FALSE(whole.success.all().item<bool>());
}

TEST_P(ApgdL1, StartsAnewInEachRound) {
  testing::expect_own_start_in_each_round(l1_options(GetParam(), 1e-4, 1));
}

TEST_P(ApgdL1, StaysAtTheImageWithoutABudget) {
  const at::Tensor images = random_tensor(6, {8, 2, 4, 4}, 0, 1);
  const Attacked found = attack_batch_of(testing::SmallNet(), l1_options(GetParam(), 0, 10), images);
  EXPECT_FALSE(found.result.success.any().item<bool>());
  EXPECT_TRUE(found.result.adversarial.equal(images));
}

TEST_P(ApgdL1, BreaksMoreWithMoreRoom) {
  const at::Tensor images = random_tensor(6, {40, 2, 4, 4}, 0, 1);
  int64_t before = 0;
  for (const double eps : {0.2, 0.8, 2.0, 8.0}) {
    const Attacked found = attack_batch_of(testing::SmallNet(), l1_options(GetParam(), eps, 50), images);
    expect_within_l1(eps, images, found.result.adversarial);
    const auto broken = found.result.success.sum().item<int64_t>();
    EXPECT_GE(broken, before);
    before = broken;
  }
  EXPECT_EQ(before, 40);
}

}  // namespace
}  // namespace selfgrad
