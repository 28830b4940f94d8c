// The climb: step by step as PyTorch's (reference/make_apgd_reference.py), inside its ball, to the optimum of
// a linear loss.
#include "attack/apgd_climb.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>
#include <functional>

#include "attack/losses.h"
#include "fixtures.h"
#include "io/safetensors.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::grey_images;
using testing::random_tensor;
using testing::SmallNet;

/// The course of a climb, one row per image as in the reference.
struct Course {
  at::Tensor losses, etas, best, last;
};

/// (M, C, H, W) -> (M) losses.
using Loss = std::function<at::Tensor(const at::Tensor&)>;

Course climb(const Threat& threat, int64_t steps, const at::Tensor& images, const at::Tensor& starts,
             const Loss& loss, const std::function<void(const ApgdClimb&)>& look = {}) {
  ApgdClimb climb(threat, steps, images, starts);
  std::vector<at::Tensor> losses;
  std::vector<at::Tensor> etas;
  at::Tensor last;
  for (int64_t step = 0; step < steps; ++step) {
    const at::Tensor x = climb.x().detach().requires_grad_();
    const at::Tensor value = loss(x);
    climb.step(value.detach(), torch::autograd::grad({value.sum()}, {x})[0]);
    losses.push_back(value.detach());
    etas.push_back(climb.eta());
    last = x.detach();
    if (look) look(climb);
  }
  return {at::stack(losses, 1), at::stack(etas, 1), climb.best_x(), last};
}

class ApgdReference : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

INSTANTIATE_TEST_SUITE_P(PyTorch, ApgdReference,
                         ::testing::Combine(::testing::Values("linf", "l2"),
                                            ::testing::Values("ce", "dlr", "targeted")),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param);
                         });

TEST_P(ApgdReference, ProducesPyTorchValues) {
  const auto& [norm, kind] = GetParam();
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "reference";
  const TensorFile file = read_safetensors((folder / "apgd_reference.safetensors").string());
  const auto reference = [&, prefix = norm + "." + kind + "."](const char* name) {
    return file.at(prefix + name);
  };
  const at::Tensor labels = reference("labels");
  const auto loss = [&, kind = kind](const at::Tensor& x) {
    const at::Tensor a = at::sin(at::conv2d(x, file.at("conv1"), file.at("bias1"), 1, 1));
    const at::Tensor b = at::sin(at::conv2d(a, file.at("conv2"), file.at("bias2"), 2, 1));
    const at::Tensor z = at::linear(b.contiguous().flatten(1), file.at("head"));
    if (kind == "ce") return attack_loss(AttackLoss::kCrossEntropy, z, labels, 0);
    return kind == "dlr" ? dlr(z, labels) : targeted_dlr(z, labels, reference("aims"));
  };
  const Threat threat = norm == "linf" ? Threat{Norm::kLinf, 0.1} : Threat{Norm::kL2, 0.25};
  const Course course =
      climb(threat, reference("losses").size(1), reference("images"), reference("starts"), loss);
  constexpr double kAllowed = 1e-4;
  const auto expect_close = [&](const char* name, const at::Tensor& values) {
    const double error = (values - reference(name)).abs().max().item<double>();
    RecordProperty(std::string(name) + "_percent_of_allowed_error", std::to_string(100 * error / kAllowed));
    EXPECT_LE(error, kAllowed) << name;
  };
  expect_close("losses", course.losses);
  expect_close("etas", course.etas);
  expect_close("best", course.best);
  expect_close("last", course.last);
}

class ApgdClimbNorms : public ::testing::TestWithParam<Norm> {};

INSTANTIATE_TEST_SUITE_P(Norms, ApgdClimbNorms, ::testing::Values(Norm::kLinf, Norm::kL2),
                         [](const auto& info) { return info.param == Norm::kLinf ? "linf" : "l2"; });

at::Tensor starts_of(const Threat& threat, const at::Tensor& images) {
  const at::Tensor indices = at::arange(images.size(0), at::kLong);
  const DrawKey key{7, Purpose::kAttackStart, 0};
  return project(threat, images, images + random_surface_start(threat, key, indices, {2, 4, 4}, at::kCPU));
}

TEST_P(ApgdClimbNorms, ReachesTheOptimumOfALinearLoss) {
  const Threat threat{GetParam(), 0.1};
  const at::Tensor images = grey_images(5);
  const at::Tensor slope = random_tensor(31, {5, 2, 4, 4}, -1, 1);
  const auto loss = [&](const at::Tensor& x) { return (slope * x).flatten(1).sum(1); };
  const Course course = climb(threat, 50, images, starts_of(threat, images), loss);
  // Hoelder: eps times the dual norm of the slope.
  const at::Tensor dual = at::linalg_vector_norm(slope.flatten(1), GetParam() == Norm::kLinf ? 1 : 2, {1});
  EXPECT_TRUE(at::allclose(loss(course.best) - loss(images), 0.1 * dual, 1e-4, 1e-6));
}

TEST_P(ApgdClimbNorms, StaysInsideAndNeverLosesItsBest) {
  const Threat threat{GetParam(), 0.3};
  const SmallNet net;
  const at::Tensor images = random_tensor(9, {6, 2, 4, 4}, 0, 1);
  const at::Tensor labels = net(images).argmax(1);
  at::Tensor best = at::full({6}, -1e9);
  at::Tensor eta = at::full({6}, 0.6);
  const auto loss = [&](const at::Tensor& x) {
    return attack_loss(AttackLoss::kCrossEntropy, net(x), labels, 0);
  };
  climb(threat, 40, images, starts_of(threat, images), loss, [&](const ApgdClimb& at_step) {
    test::expect_within(threat, images, at_step.x());
    EXPECT_TRUE((at_step.best_loss() >= best).all().item<bool>());
    EXPECT_TRUE(at::allclose(loss(at_step.best_x()), at_step.best_loss()));
    EXPECT_TRUE((at_step.eta() == eta).logical_or(at_step.eta() == eta / 2).all().item<bool>());
    best = at_step.best_loss();
    eta = at_step.eta();
  });
}

TEST(ApgdClimb, HalvesItsStepsAtTheCheckpointsOfThePaper) {
  // A loss that never rises wavers at every checkpoint.
  const at::Tensor images = grey_images(2);
  ApgdClimb climb({Norm::kLinf, 0.1}, 100, images, images);
  std::vector<int64_t> halvings;
  for (int64_t step = 0; step < 100; ++step) {
    const at::Tensor before = climb.eta();
    climb.step(at::full({2}, -static_cast<double>(step)), at::ones_like(images));
    if ((climb.eta() < before).all().item<bool>()) halvings.push_back(step);
  }
  EXPECT_EQ(halvings, (std::vector<int64_t>{22, 41, 57, 70, 80, 87, 93, 99}));
}

TEST(ApgdClimb, KeepsItsStepsWhileTheLossRisesAndReturnsToTheBestPointWhenItStops) {
  const at::Tensor images = grey_images(1);
  const auto run = [&](const std::function<double(int64_t)>& loss, int64_t steps) {
    ApgdClimb climb({Norm::kLinf, 0.1}, 100, images, images);
    for (int64_t step = 0; step < steps; ++step)
      climb.step(at::full({1}, loss(step)), random_tensor(40 + step, {1, 2, 4, 4}, -1, 1));
    return climb;
  };
  const auto eta = [&](const std::function<double(int64_t)>& loss, int64_t steps) {
    return run(loss, steps).eta().item<double>();
  };
  EXPECT_FLOAT_EQ(eta([](int64_t step) { return step; }, 42), 0.2);
  // 17 rises of 22 are more than three quarters, 16 are not.
  EXPECT_FLOAT_EQ(eta([](int64_t step) { return step > 17 ? 17 : step; }, 23), 0.2);
  EXPECT_FLOAT_EQ(eta([](int64_t step) { return step > 16 ? 16 : step; }, 23), 0.1);
  // Rising within the second window, but never above the best of the first, whose checkpoint halved nothing.
  EXPECT_FLOAT_EQ(eta([](int64_t step) { return step <= 22 ? step : step - 100; }, 41), 0.2);
  EXPECT_FLOAT_EQ(eta([](int64_t step) { return step <= 22 ? step : step - 100; }, 42), 0.1);
  // The best point was the start, so the halved step leads away from there.
  const ApgdClimb back = run([](int64_t step) { return -step; }, 23);
  EXPECT_TRUE(back.best_x().equal(images));
}

}  // namespace
}  // namespace selfgrad
