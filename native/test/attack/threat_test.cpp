// The norms: random starts inside the ball, directions of unit size, projections that hold the budget.
#include "attack/threat.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::grey_images;
using testing::random_tensor;

at::Tensor draw_starts(const Threat& threat, int64_t count) {
  return random_start(threat, {7, Purpose::kAttackStart, 0}, at::arange(count, at::kLong), {2, 4, 4},
                      at::kCPU);
}

TEST(RandomStart, FillsTheLinfBall) {
  const at::Tensor start = draw_starts({Norm::kLinf, 0.1}, 500);
  EXPECT_LE(start.abs().max().item<double>(), 0.1 + 1e-7);
  EXPECT_NEAR(start.mean().item<double>(), 0.0, 2e-3);
  EXPECT_NEAR(start.abs().mean().item<double>(), 0.05, 1e-3);
}

TEST(RandomStart, HasAUniformRadiusInL2) {
  const at::Tensor radius = perturbation_norm(Norm::kL2, draw_starts({Norm::kL2, 0.5}, 4000));
  EXPECT_LE(radius.max().item<double>(), 0.5 + 1e-6);
  // Mean and variance of U(0, 0.5).
  EXPECT_NEAR(radius.mean().item<double>(), 0.25, 0.01);
  EXPECT_NEAR(radius.var().item<double>(), 0.25 / 12, 0.002);
}

TEST(RandomStart, DependsOnTheExampleAlone) {
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const Threat threat{norm, 0.1};
    const DrawKey key{7, Purpose::kAttackStart, 0};
    const at::Tensor one = random_start(threat, key, at::tensor({5}, at::kLong), {2, 4, 4}, at::kCPU);
    EXPECT_TRUE(one[0].equal(draw_starts(threat, 9)[5]));
  }
}

TEST(RandomSurfaceStart, TouchesTheBallAndDependsOnTheExampleAlone) {
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const Threat threat{norm, 0.1};
    const DrawKey key{7, Purpose::kAttackStart, 0};
    const at::Tensor starts =
        random_surface_start(threat, key, at::arange(200, at::kLong), {2, 4, 4}, at::kCPU);
    EXPECT_NEAR((perturbation_norm(norm, starts) - 0.1).abs().max().item<double>(), 0, 1e-7);
    EXPECT_NEAR(starts.mean().item<double>(), 0, 3e-3);
    const at::Tensor one = random_surface_start(threat, key, at::tensor({5}, at::kLong), {2, 4, 4}, at::kCPU);
    EXPECT_TRUE(one[0].equal(starts[5]));
  }
}

TEST(SteepestDirection, HasUnitSize) {
  const at::Tensor gradient = random_tensor(3, {6, 2, 4, 4}, -1, 1);
  EXPECT_TRUE(steepest_direction(Norm::kLinf, gradient).equal(gradient.sign()));
  const at::Tensor size = perturbation_norm(Norm::kL2, steepest_direction(Norm::kL2, gradient));
  EXPECT_NEAR((size - 1).abs().max().item<double>(), 0, 1e-6);
}

TEST(SteepestDirection, KeepsZeroAndSurvivesTinyGradients) {
  at::Tensor gradient = random_tensor(3, {2, 2, 4, 4}, -1, 1) * 1e-30;
  gradient[0].zero_();
  const at::Tensor size = perturbation_norm(Norm::kL2, steepest_direction(Norm::kL2, gradient));
  EXPECT_EQ(size[0].item<double>(), 0);
  EXPECT_NEAR(size[1].item<double>(), 1, 1e-6);
}

TEST(Project, HoldsBudgetAndBox) {
  const at::Tensor origin = random_tensor(4, {20, 2, 4, 4}, 0, 1);
  const at::Tensor x = origin + random_tensor(5, {20, 2, 4, 4}, -0.5, 0.5);
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1}) {
    const Threat threat{norm, 0.1};
    const at::Tensor projected = project(threat, origin, x);
    test::expect_within(threat, origin, projected);
    EXPECT_TRUE(at::allclose(project(threat, origin, projected), projected, 0, 1e-6)) << "not idempotent";
  }
}

TEST(Project, LeavesInteriorPointsWhereTheyAre) {
  const at::Tensor origin = grey_images(3);
  const at::Tensor x = origin + 0.01;
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1}) {
    EXPECT_TRUE(at::allclose(project({norm, 0.5}, origin, x), x, 0, 1e-7));
  }
}

TEST(Project, KeepsTheMemoryFormat) {
  const at::Tensor origin = grey_images(3);
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1})
    EXPECT_TRUE(project({norm, 0.1}, origin, origin + 1).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(ProjectedStep, TakesOneAlphaOrOneForEachExample) {
  const at::Tensor origin = grey_images(3);
  const at::Tensor x = origin + random_tensor(5, {3, 2, 4, 4}, -0.05, 0.05);
  const at::Tensor gradient = random_tensor(6, {3, 2, 4, 4}, -1, 1);
  const std::vector<double> alphas{0.0, 0.02, 0.5};
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const Threat threat{norm, 0.1};
    const at::Tensor each = projected_step(threat, origin, x, gradient, at::tensor(alphas).to(at::kFloat));
    for (size_t n = 0; n < alphas.size(); ++n) {
      const at::Tensor one = projected_step(threat, origin, x, gradient, alphas[n]);
      const at::Tensor moved = x + alphas[n] * steepest_direction(norm, gradient);
      EXPECT_TRUE(one.equal(project(threat, origin, moved)));
      const auto row = static_cast<int64_t>(n);
      EXPECT_TRUE(each[row].equal(one[row]));
    }
  }
}

TEST(ProjectedStep, IsTheFormulaInEveryMemoryFormat) {
  const Threat threat{Norm::kLinf, 0.06};
  for (const int64_t side : {1, 3, 5, 8}) {
    const std::vector<int64_t> shape{3, 3, side, side};
    const at::Tensor origin = random_tensor(1, shape, 0, 1),
                     x = project(threat, origin, random_tensor(2, shape, 0, 1));
    at::Tensor gradient = random_tensor(3, shape, -1, 1);
    gradient[0].zero_();
    const at::Tensor expected = project(threat, origin, x + 0.02 * gradient.sign());
    const auto last = at::MemoryFormat::ChannelsLast;
    EXPECT_TRUE(projected_step(threat, origin, x, gradient, 0.02).equal(expected));
    EXPECT_TRUE(projected_step(threat, origin, x.contiguous(last), gradient, 0.02).equal(expected));
    EXPECT_TRUE(projected_step(threat, origin, x, gradient.contiguous(last), 0.02).equal(expected));
  }
}

}  // namespace
}  // namespace selfgrad
