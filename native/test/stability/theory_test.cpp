// The inequalities of docs/theory.md on random vectors and on the gradients of random and trained networks.
// The number of the proposition stands in the name of each test.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/max.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stability/layers.h"
#include "stability/networks.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

constexpr Threat kBall{Norm::kLinf, 0.05};

double l1(const at::Tensor& x) {
  return x.abs().sum().item<double>();
}

double length(const at::Tensor& x) {
  return at::linalg_vector_norm(x).item<double>();
}

double product(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).sum().item<double>();
}

/// Gradients of one image at two points of the ball, for every network: the pairs that the method meets.
template <typename Check>
void for_each_gradient_pair(const Check& check) {
  for (const Scene& scene : scenes()) {
    const LayerGraph graph = scene.network->layer_graph();
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const DrawKey key{seed, Purpose::kStability, 3};
      const at::Tensor u = random_start(kBall, key, scene.indices, scene.images.sizes().slice(1), at::kCPU);
      const at::Tensor g = exact_gradient(graph, scene.images.to(at::kDouble), scene.labels);
      const at::Tensor h = exact_gradient(graph, (scene.images + u).to(at::kDouble), scene.labels);
      for (int64_t n = 0; n < g.size(0); ++n)
        check(g[n].flatten(), h[n].flatten(), u[n].flatten().to(at::kDouble), scene.name);
    }
  }
}

TEST(Theory, Proposition3ReusedGradientKeepsItsShare) {
  const auto holds = [](const at::Tensor& g, const at::Tensor& h, const std::string& name) {
    for (const double c : {0.3, 1.0, 3.0})
      EXPECT_GE(product(g, h.sign()), l1(g) - 2 * l1(g - c * h) - 1e-9 * l1(g)) << name;
  };
  for_each_gradient_pair(
      [&](const auto& g, const auto& h, const auto&, const auto& name) { holds(g, h, name); });
  for (uint64_t seed = 0; seed < 500; ++seed)
    holds(random_tensor(seed, {20}, -1, 1), random_tensor(seed + 1000, {20}, -1, 1), "random");
}

TEST(Theory, Corollary4RememberedPerturbation) {
  for_each_gradient_pair([](const auto& g, const auto& h, const auto& u, const auto& name) {
    const double eps = kBall.eps;
    const at::Tensor delta = (u + eps * h.sign()).clamp(-eps, eps);
    const double q = product(h, delta) / (eps * l1(h));
    const double rho = l1(g - h) / l1(g);
    if (l1(h) == 0 || q < 0) return;
    EXPECT_GE(product(g, delta), eps * l1(g) * (q - (1 + q) * rho) - 1e-9 * l1(g)) << name;
  });
}

TEST(Theory, Proposition5LinearityBoundsTheLoss) {
  for (const Scene& scene : scenes()) {
    Analysed analysed(scene, kBall);
    const Ascent ascent = ascend(analysed.batch, 10, 0.02);
    const Columns found = linearity(analysed.batch, ascent, 20);
    for (int64_t n = 0; n < scene.images.size(0); ++n) {
      const double gamma = found.at("linearity_error")[n].item<double>();
      const double fgsm = ascent.fgsm.loss[n].item<double>();
      for (const PerturbedPoint& point : ascent.steps)
        EXPECT_LE(point.loss[n].item<double>(), fgsm + 2 * gamma + 1e-5) << scene.name;
    }
  }
}

TEST(Theory, Proposition9QuadraticUpperBoundOfTheCrossEntropy) {
  const auto holds = [](const at::Tensor& z, const at::Tensor& other, const at::Tensor& labels) {
    const at::Tensor gradient = z.softmax(1) - at::one_hot(labels, z.size(1));
    const at::Tensor d = other - z;
    const at::Tensor bound = cross_entropy(z, labels) + (d * gradient).sum(1) + 0.25 * (d * d).sum(1);
    EXPECT_LE((cross_entropy(other, labels) - bound).max().template item<double>(), 1e-9);
  };
  const at::Tensor labels = at::arange(200, at::kLong) % 7;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const double size = std::pow(2.0, static_cast<double>(seed % 8) - 3);
    holds(random_tensor(seed, {200, 7}, -size, size).to(at::kDouble),
          random_tensor(seed + 99, {200, 7}, -size, size).to(at::kDouble), labels);
  }
  for (const Scene& scene : scenes()) {
    Analysed analysed(scene, kBall);
    const Ascent ascent = ascend(analysed.batch, 5, 0.02);
    holds(analysed.batch.logits.to(at::kDouble), ascent.best.logits.to(at::kDouble), scene.labels);
  }
}

TEST(Theory, Proposition10SecondOrderStepErrsByTheThirdOrder) {
  for (const Scene& scene : scenes()) {
    if (scene.network->options().activation != "silu") continue;
    const LayerGraph graph = scene.network->layer_graph();
    const at::Tensor label = scene.labels.narrow(0, 0, 1);
    const at::Tensor x = scene.images.narrow(0, 0, 1).to(at::kDouble);
    const at::Tensor h = dense_hessian(graph, x, label);
    const at::Tensor g = exact_gradient(graph, x, label);
    const at::Tensor s = g.sign();
    const at::NoGradGuard no_grad;
    const auto loss = [&](const at::Tensor& at) {
      return cross_entropy(logits_of(graph, at), label).item<double>();
    };
    const double curvature = s.flatten().dot(h.matmul(s.flatten())).item<double>();
    const auto error = [&](double alpha) {
      return std::abs(loss(x + alpha * s) - loss(x) - alpha * l1(g) - alpha * alpha / 2 * curvature);
    };
    // Halving the step divides an error of third order by eight.
    EXPECT_LT(error(0.005), error(0.01) / 5 + 1e-12) << scene.name;
    // (b): the agreement after the step tells the curvature.
    const at::AutoGradMode graph_on(true);
    const double alpha = 1e-4;
    const double agreement = product(s, exact_gradient(graph, x + alpha * s, label)) / l1(g);
    EXPECT_NEAR((agreement - 1) * l1(g) / alpha, curvature, 0.02 * std::abs(curvature) + 1e-4 * l1(g))
        << scene.name;
  }
}

TEST(Theory, Proposition11GradientAgreement) {
  for_each_gradient_pair([](const auto& g, const auto& h, const auto&, const auto& name) {
    const double t = length(h - g) / length(g);
    if (t <= 1) {
      EXPECT_GE(product(g, h) / (length(g) * length(h)), std::sqrt(1 - t * t) - 1e-9) << name;
    }
    EXPECT_GE(product(h, g.sign()) / l1(h), 1 - 2 * l1(h - g) / l1(h) - 1e-9) << name;
  });
}

TEST(Theory, Proposition11GradientsChangeByAtMostTheCurvature) {
  for (const Scene& scene : scenes()) {
    if (scene.network->options().activation != "silu") continue;
    const LayerGraph graph = scene.network->layer_graph();
    const at::Tensor label = scene.labels.narrow(0, 0, 1);
    const at::Tensor x = scene.images.narrow(0, 0, 1).to(at::kDouble);
    const at::Tensor u = random_tensor(8, x.sizes().vec(), -0.01, 0.01).to(at::kDouble);
    // The largest curvature on the segment, sampled, with a margin for what lies between the samples.
    double m = 0;
    for (const double t : {0.0, 0.25, 0.5, 0.75, 1.0})
      m = std::max(m, at::linalg_vector_norm(dense_hessian(graph, x + t * u, label)).item<double>());
    const double change = length(exact_gradient(graph, x + u, label) - exact_gradient(graph, x, label));
    EXPECT_LE(change, 1.1 * m * length(u)) << scene.name;
  }
}

TEST(Theory, Proposition15SecondDerivativeOfSiluIsAtMostOneHalf) {
  const at::Tensor x = (at::arange(200001, at::kDouble) - 100000) / 2000;
  const double h = 1e-3;
  const at::Tensor second = (at::silu(x + h) - 2 * at::silu(x) + at::silu(x - h)) / (h * h);
  EXPECT_LE(second.abs().max().item<double>(), 0.5 + 1e-6);
  // It is attained at zero.
  EXPECT_NEAR(second[100000].item<double>(), 0.5, 1e-5);
  const at::Tensor below = x.clamp_min(0) - at::silu(x);
  EXPECT_LE(below.max().item<double>(), 0.27846454276107380 + 1e-12);
}

TEST(Theory, Proposition18TrackingOfAMovingMaximum) {
  // Strongly concave quadratics -(d - c)' A (d - c) / 2 over a box, A diagonal: the projected step contracts.
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const double eps = 0.5;
    const at::Tensor a = random_tensor(seed, {10}, 0.5, 2.0).to(at::kDouble);
    at::Tensor centre = random_tensor(seed + 50, {10}, -1, 1).to(at::kDouble);
    at::Tensor delta = random_tensor(seed + 60, {10}, -eps, eps).to(at::kDouble);
    const double step = 0.4;
    const double q = (1 - step * a).abs().max().item<double>();
    const double drift = 0.01;
    double error = length(delta - centre.clamp(-eps, eps));
    for (uint64_t t = 0; t < 60; ++t) {
      const at::Tensor move = random_tensor(1000 * seed + t, {10}, -1, 1).to(at::kDouble);
      centre = centre + move * (drift / length(move));
      delta = (delta + step * a * (centre - delta)).clamp(-eps, eps);
      const double now = length(delta - centre.clamp(-eps, eps));
      EXPECT_LE(now, q * (error + drift) + 1e-12);
      error = now;
    }
    EXPECT_LE(error, q * drift / (1 - q) + std::pow(q, 60) * 4 + 1e-12);
  }
}

}  // namespace
}  // namespace selfgrad
