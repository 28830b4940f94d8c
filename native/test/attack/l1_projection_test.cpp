// The projection onto an L1 ball and a box: closed forms, a bisection as reference, and what makes a point
// the nearest one.
#include "attack/l1_projection.h"

#include <ATen/ops/maximum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attack/threat.h"
#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::random_tensor;

std::vector<float> projected(double eps, const std::vector<float>& delta, const std::vector<float>& room) {
  const auto size = static_cast<int64_t>(delta.size());
  const at::Tensor d = into_l1_ball(eps, at::tensor(delta).view({1, size}), at::tensor(room).view({1, size}));
  return {d.const_data_ptr<float>(), d.const_data_ptr<float>() + size};
}

void expect_near(const std::vector<float>& values, const std::vector<float>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 1e-7) << i;
}

TEST(L1Projection, MatchesClosedForms) {
  const std::vector<float> delta{0.5F, -0.3F, 0.1F};
  const std::vector<float> free{1, 1, 1};
  expect_near(projected(1.0, delta, free), delta);                        // within the ball
  expect_near(projected(0.75, delta, free), {0.45F, -0.25F, 0.05F});      // all shrink by 0.05
  expect_near(projected(0.5, delta, free), {0.35F, -0.15F, 0});           // the smallest is gone
  expect_near(projected(0.1, delta, free), {0.1F, 0, 0});                 // the largest alone
  expect_near(projected(0.0, delta, free), {0, 0, 0});                    // nothing is allowed
  expect_near(projected(0.6, delta, {0.2F, 1, 1}), {0.2F, -0.3F, 0.1F});  // the box alone
  // The first is held by the box until the threshold has passed 0.3.
  expect_near(projected(0.5, delta, {0.2F, 1, 1}), {0.2F, -0.25F, 0.05F});
  expect_near(projected(0.1, delta, {0.2F, 1, 1}), {0.1F, 0, 0});
  expect_near(projected(0.2, {0.5F, -0.5F}, {0, 1}), {0, -0.2F});  // no room at all on one side
  expect_near(projected(0.2, {0, 0}, {1, 1}), {0, 0});
  expect_near(projected(0.4, {0.5F, 0.5F, -0.5F, 0.5F}, {1, 1, 1, 1}), {0.1F, 0.1F, -0.1F, 0.1F});  // ties
}

/// The same by bisection on the threshold, one image at a time, in float64.
at::Tensor by_bisection(double eps, const at::Tensor& delta, const at::Tensor& room) {
  at::Tensor out = at::zeros_like(delta);
  for (int64_t n = 0; n < delta.size(0); ++n) {
    const at::Tensor size = delta[n].abs().to(at::kDouble), most = room[n].to(at::kDouble);
    const auto kept = [&](double t) { return (size - t).clamp_min(0).minimum(most); };
    double low = 0, high = size.max().item<double>();
    if (kept(0).sum().item<double>() > eps)
      for (int i = 0; i < 200; ++i) {
        const double middle = (low + high) / 2;
        (kept(middle).sum().item<double>() > eps ? low : high) = middle;
      }
    else
      high = 0;
    out[n] = delta[n].sign() * kept(high).to(at::kFloat);
  }
  return out;
}

TEST(L1Projection, AgreesWithBisectionOnRandomProblems) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const int64_t size = 1 + static_cast<int64_t>(seed * 7 % 50);
    const at::Tensor origin = random_tensor(2 * seed + 1, {6, size}, -0.2, 1.2).clamp(0, 1);
    const at::Tensor delta = random_tensor(2 * seed + 2, {6, size}, -1.5, 1.5);
    const at::Tensor room = at::where(delta > 0, 1 - origin, origin);
    for (const double share : {0.0, 0.01, 0.3, 0.7, 0.99, 1.5}) {
      const double eps = share * delta.abs().minimum(room).sum(1).mean().item<double>();
      const at::Tensor found = into_l1_ball(eps, delta, room);
      EXPECT_TRUE(at::allclose(found, by_bisection(eps, delta, room), 0, 1e-6)) << seed << " " << share;
      EXPECT_LE(found.abs().to(at::kDouble).sum(1).max().item<double>(), eps * (1 + 1e-6) + 1e-9);
    }
  }
}

/// p is the projection of y onto a convex set if and only if <y - p, q - p> <= 0 for every q of the set.
TEST(L1Projection, IsTheNearestPointOfBallAndBox) {
  const Threat threat{Norm::kL1, 2.0};
  const at::Tensor origin = random_tensor(4, {20, 2, 4, 4}, -0.2, 1.2).clamp(0, 1);
  const at::Tensor y = origin + random_tensor(5, {20, 2, 4, 4}, -1, 1);
  const at::Tensor p = project(threat, origin, y);
  test::expect_within(threat, origin, p);
  EXPECT_TRUE(at::allclose(project(threat, origin, p), p, 0, 1e-6));
  for (uint64_t seed = 0; seed < 50; ++seed) {
    at::Tensor q = project(threat, origin, random_tensor(100 + seed, {20, 2, 4, 4}, 0, 1));
    if (seed % 2 == 1) q = p + 0.1 * (q - p);  // and from nearby
    EXPECT_LE(((y - p) * (q - p)).flatten(1).sum(1).max().item<double>(), 1e-5);
  }
}

TEST(L1Projection, DependsOnTheImageAlone) {
  const Threat threat{Norm::kL1, 2.0};
  const at::Tensor origin = random_tensor(4, {20, 2, 4, 4}, 0, 1);
  const at::Tensor y = origin + random_tensor(5, {20, 2, 4, 4}, -1, 1);
  const at::Tensor whole = project(threat, origin, y);
  for (int64_t n = 0; n < 20; ++n)
    EXPECT_TRUE(project(threat, origin.narrow(0, n, 1), y.narrow(0, n, 1))[0].equal(whole[n]));
}

TEST(L1Projection, LeavesTheBoxAsideWhereThereIsNone) {
  const at::Tensor delta = random_tensor(5, {20, 2, 4, 4}, -30, 30);
  const at::Tensor shortened = into_ball({Norm::kL1, 4.0}, delta);
  EXPECT_TRUE(at::allclose(perturbation_norm(Norm::kL1, shortened), at::full({20}, 4.0F), 1e-6));
  EXPECT_GT(shortened.abs().max().item<double>(), 1);
}

}  // namespace
}  // namespace selfgrad
