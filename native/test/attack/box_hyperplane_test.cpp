// The projection onto a hyperplane within the box: closed forms, optimality over random planes, edges.
#include "attack/box_hyperplane.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "networks.h"

namespace selfgrad {
namespace {

using testing::random_tensor;

at::Tensor along_normal(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).sum({1, 2, 3});
}

at::Tensor random_double(uint64_t seed, const std::vector<int64_t>& shape, double low, double high) {
  return random_tensor(seed, shape, low, high).to(at::kDouble);
}

class BoxHyperplane : public ::testing::TestWithParam<Norm> {
 protected:
  at::Tensor shortest(const at::Tensor& x, const at::Tensor& normal, const at::Tensor& gap) const {
    return shortest_to_hyperplane(GetParam(), x, normal, gap);
  }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, BoxHyperplane, ::testing::Values(Norm::kLinf, Norm::kL2),
                         [](const auto& info) { return info.param == Norm::kLinf ? "linf" : "l2"; });

TEST_P(BoxHyperplane, IsTheFreeProjectionWhereTheBoxDoesNotBind) {
  const at::Tensor x = random_double(1, {20, 2, 4, 4}, 0.4, 0.6);
  const at::Tensor normal = random_double(2, {20, 2, 4, 4}, -1, 1);
  const at::Tensor gap = random_double(3, {20}, -0.2, 0.2);
  const at::Tensor row = gap.view({-1, 1, 1, 1});
  const at::Tensor expected = GetParam() == Norm::kLinf
                                  ? row * normal.sign() / normal.abs().sum({1, 2, 3}, true)
                                  : row * normal / (normal * normal).sum({1, 2, 3}, true);
  EXPECT_TRUE(at::allclose(shortest(x, normal, gap), expected, 1e-12, 1e-14));
}

TEST_P(BoxHyperplane, FindsAPointOfThePlaneAndNoNearerOneExists) {
  const int64_t count = 300;
  const at::Tensor x = random_double(4, {count, 3, 2, 2}, -0.2, 1.2).clamp(0, 1);
  const at::Tensor normal = random_double(5, {count, 3, 2, 2}, -1, 1).pow(3);
  // Planes through a point of the box, from hardly moved to a far corner: the box binds in most.
  const at::Tensor within = random_double(6, {count, 3, 2, 2}, -1, 2).clamp(0, 1);
  const at::Tensor gap = along_normal(normal, within - x);
  const at::Tensor found = shortest(x, normal, gap);
  EXPECT_TRUE(at::allclose(along_normal(normal, found), gap, 0, 1e-10));
  EXPECT_GE((x + found).min().item<double>(), -1e-15);
  EXPECT_LE((x + found).max().item<double>(), 1 + 1e-15);
  const at::Tensor best = perturbation_norm(GetParam(), found);
  EXPECT_LE((best - perturbation_norm(GetParam(), within - x)).max().item<double>(), 1e-10);
  // Nor near it: random moves within the plane, of which those that leave the box do not count.
  for (int64_t trial = 0; trial < 200; ++trial) {
    const at::Tensor noise =
        random_double(100 + trial, {count, 3, 2, 2}, -1, 1) * (trial % 2 == 0 ? 1e-1 : 1e-4);
    const at::Tensor along =
        noise - normal * (along_normal(noise, normal) / along_normal(normal, normal)).view({-1, 1, 1, 1});
    const at::Tensor other = found + along;
    const at::Tensor feasible = ((x + other) >= 0).logical_and((x + other) <= 1).flatten(1).all(1);
    const at::Tensor nearer = perturbation_norm(GetParam(), other) < best - 1e-10;
    EXPECT_FALSE(nearer.logical_and(feasible).any().item<bool>());
  }
}

TEST_P(BoxHyperplane, MeetsTheConditionsOfOptimality) {
  const at::Tensor x = random_double(7, {200, 3, 2, 2}, -0.2, 1.2).clamp(0, 1);
  const at::Tensor normal = random_double(8, {200, 3, 2, 2}, -1, 1);
  const at::Tensor gap = 0.9 * along_normal(normal, at::where(normal > 0, 1.0 - x, -x));
  const at::Tensor found = shortest(x, normal, gap);
  EXPECT_TRUE(at::allclose(along_normal(normal, found), gap, 0, 1e-10));
  // Every coordinate went towards the plane, by the common multiplier or to its bound.
  const at::Tensor moved = found * normal.sign();
  const at::Tensor room = at::where(normal > 0, 1.0 - x, x);
  const at::Tensor free = moved < room - 1e-12;
  const at::Tensor multiplier = GetParam() == Norm::kLinf ? moved : moved / normal.abs();
  const at::Tensor common = at::where(free, multiplier, at::Scalar(0.0)).amax({1, 2, 3}, true);
  EXPECT_TRUE(at::allclose(at::where(free, multiplier, common), common.expand_as(free), 1e-9, 1e-12));
  const at::Tensor bound = GetParam() == Norm::kLinf ? common.expand_as(free) : common * normal.abs();
  EXPECT_TRUE((moved <= bound + 1e-9).all().item<bool>());
  EXPECT_TRUE(free.any().item<bool>());
  EXPECT_FALSE(free.all().item<bool>());
}

TEST_P(BoxHyperplane, GoesToTheNearestCornerWhenThePlaneIsOutOfReach) {
  const at::Tensor x = random_tensor(9, {8, 2, 4, 4}, 0, 1);
  const at::Tensor normal = random_tensor(10, {8, 2, 4, 4}, -1, 1);
  EXPECT_TRUE(at::allclose(x + shortest(x, normal, at::full({8}, 100.0F)), (normal > 0).to(at::kFloat)));
  EXPECT_TRUE(at::allclose(x + shortest(x, normal, at::full({8}, -100.0F)), (normal < 0).to(at::kFloat)));
}

TEST_P(BoxHyperplane, LeavesWhatHasNoNormalOrNoGap) {
  const at::Tensor x = random_tensor(11, {3, 2, 4, 4}, 0, 1);
  at::Tensor normal = random_tensor(12, {3, 2, 4, 4}, -1, 1);
  EXPECT_EQ(shortest(x, at::zeros({3, 2, 4, 4}), at::tensor({1.0F, 0.0F, -1.0F})).abs().max().item<float>(),
            0);
  EXPECT_EQ(shortest(x, normal, at::zeros({3})).abs().max().item<float>(), 0);
  normal.select(1, 0).zero_();
  EXPECT_EQ(shortest(x, normal, at::full({3}, 0.5F)).select(1, 0).abs().max().item<float>(), 0);
}

TEST_P(BoxHyperplane, StandsGradientsWhoseSquaresUnderflow) {
  const at::Tensor x = random_tensor(13, {4, 2, 4, 4}, 0.4, 0.6);
  const at::Tensor normal = random_tensor(14, {4, 2, 4, 4}, -1, 1);
  const at::Tensor gap = at::full({4}, 0.1F);
  EXPECT_TRUE(at::allclose(shortest(x, 1e-30 * normal, 1e-30 * gap), shortest(x, normal, gap), 1e-4, 1e-7));
}

TEST_P(BoxHyperplane, DependsOnNoNeighbour) {
  const at::Tensor x = random_tensor(15, {9, 2, 4, 4}, 0, 1);
  const at::Tensor normal = random_tensor(16, {9, 2, 4, 4}, -1, 1);
  const at::Tensor gap = random_tensor(17, {9}, -8, 8);
  const at::Tensor whole = shortest(x, normal, gap);
  for (int64_t n = 0; n < 9; ++n) {
    const at::Tensor alone = shortest(x.narrow(0, n, 1), normal.narrow(0, n, 1), gap.narrow(0, n, 1));
    EXPECT_TRUE(at::allclose(alone, whole.narrow(0, n, 1), 1e-5, 1e-7));
  }
}

}  // namespace
}  // namespace selfgrad
