// Certified bounds hold at every point that can be tried: random ones, corners, and what PGD finds.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/max.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/min.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <limits>

#include "attack/pgd.h"
#include "stability/certify/certificate.h"
#include "stability/layers.h"
#include "stability/networks.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

const std::atomic<bool> kGo{false};
// The later layers of these networks have at most so many values.
constexpr int64_t kRefine = 100;

double smallest(const at::Tensor& x) {
  return x.min().item<double>();
}

at::Tensor same_eps(const at::Tensor& images, double eps) {
  return at::full({images.size(0)}, eps, at::kDouble);
}

/// z_y - z_j, (N, K); +inf at j = y.
at::Tensor margins_at(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor z = logits.to(at::kDouble);
  return (z.gather(1, labels.unsqueeze(1)) - z)
      .scatter(1, labels.unsqueeze(1), std::numeric_limits<double>::infinity());
}

/// Points of the region: uniform ones, corners, and the last iterates of PGD on either loss.
std::vector<at::Tensor> points_of(const Scene& scene, const Threat& threat, int random) {
  std::vector<at::Tensor> points;
  for (int i = 0; i < random; ++i) {
    const DrawKey key{static_cast<uint64_t>(i), Purpose::kStability, 7};
    at::Tensor delta = random_start(threat, key, scene.indices, scene.images.sizes().slice(1), at::kCPU);
    if (i % 2 == 1) delta = threat.eps * steepest_direction(threat.norm, delta);
    points.push_back(project(threat, scene.images, scene.images + delta));
  }
  Target target([&](const at::Tensor& x) { return scene.network->forward(x); }, 0, kGo);
  for (const AttackLoss loss : {AttackLoss::kCrossEntropy, AttackLoss::kMargin}) {
    AttackOptions options{.name = "pgd", .threat = threat, .alpha = threat.eps / 4, .steps = 20};
    options.loss = loss;
    options.confidence = 1e9;  // nobody leaves early
    points.push_back(Pgd(options).run(target, scene.images, scene.labels, scene.indices, 0).adversarial);
  }
  return points;
}

TEST(Relaxation, EnclosesTheActivation) {
  for (const Activation activation : {Activation::kRelu, Activation::kSilu}) {
    for (const double size : {0.01, 1.0, 5.0, 40.0, 1e4}) {
      const at::Tensor a = random_tensor(1, {400}, -size, size).to(at::kDouble);
      const at::Tensor b = random_tensor(2, {400}, -size, size).to(at::kDouble);
      const Interval x{at::minimum(a, b), at::maximum(a, b)};
      const Relaxation lines = relax(activation, x);
      const Interval range = activation_range(activation, x);
      for (int i = 0; i <= 500; ++i) {
        const at::Tensor t = x.lower + (x.upper - x.lower) * (i / 500.0);
        const at::Tensor f = activate(activation, t);
        const double rounding = -1e-12 * size;
        EXPECT_GE(smallest(f - (lines.lower_slope * t + lines.lower_offset)), rounding);
        EXPECT_GE(smallest(lines.upper_slope * t + lines.upper_offset - f), rounding);
        EXPECT_GE(smallest(f - range.lower), rounding);
        EXPECT_GE(smallest(range.upper - f), rounding);
      }
    }
  }
}

TEST(Relaxation, OfReluIsTheTriangleOfCrown) {
  const Interval x{at::full({3}, -1.0, at::kDouble), at::full({3}, 3.0, at::kDouble)};
  const Relaxation lines = relax(Activation::kRelu, x);
  EXPECT_NEAR(lines.upper_slope[0].item<double>(), 0.75, 1e-12);
  EXPECT_NEAR(lines.upper_offset[0].item<double>(), 0.75, 1e-12);
  EXPECT_EQ(lines.lower_slope[0].item<double>(), 1.0);
  EXPECT_EQ(lines.lower_offset[0].item<double>(), 0.0);
}

TEST(Relaxation, OfSiluIsTight) {
  const Interval x{at::full({1}, -1.0, at::kDouble), at::full({1}, 1.0, at::kDouble)};
  const Relaxation lines = relax(Activation::kSilu, x);
  // On [-1, 1] SiLU is convex: from the chord down to the tangent of its slope are 0.231 at most.
  const double gap = (lines.upper_offset - lines.lower_offset).item<double>();
  EXPECT_LT(gap, 0.235);
}

TEST(Bounds, HoldInEveryLayerOfEveryNetwork) {
  const at::NoGradGuard no_grad;
  for (const Scene& scene : scenes()) {
    const LayerGraph graph = scene.network->layer_graph();
    for (const int64_t refine : {int64_t{0}, kRefine}) {
      const Threat threat{Norm::kLinf, 0.02};
      const Bounds bounds(graph, {scene.images, threat.norm, same_eps(scene.images, threat.eps)}, refine,
                          kGo);
      for (int i = 0; i < 20; ++i) {
        const DrawKey key{static_cast<uint64_t>(i), Purpose::kStability, 9};
        at::Tensor delta = random_start(threat, key, scene.indices, scene.images.sizes().slice(1), at::kCPU);
        if (i % 2 == 0) delta = threat.eps * delta.sign();
        const auto values =
            values_of(graph, project(threat, scene.images, scene.images + delta).to(at::kDouble));
        for (size_t place = 0; place < values.size(); ++place) {
          const Interval& interval = bounds.interval(static_cast<int64_t>(place));
          EXPECT_GE(smallest(values[place] - interval.lower), 0) << scene.name << " layer " << place;
          EXPECT_GE(smallest(interval.upper - values[place]), 0) << scene.name << " layer " << place;
        }
      }
    }
  }
}

TEST(MarginBounds, AreBelowEveryMarginThatCanBeFound) {
  for (const Scene& scene : scenes()) {
    const LayerGraph graph = scene.network->layer_graph();
    for (const Threat threat :
         {Threat{Norm::kLinf, 0.01}, Threat{Norm::kLinf, 0.1}, Threat{Norm::kL2, 0.1}}) {
      const auto points = points_of(scene, threat, 60);
      const at::NoGradGuard no_grad;
      const Bounds bounds(graph, {scene.images, threat.norm, same_eps(scene.images, threat.eps)}, kRefine,
                          kGo);
      const at::Tensor bound = margin_bounds(bounds, graph, scene.labels);
      for (const at::Tensor& x : points) {
        const at::Tensor logits = scene.network->forward(x);
        const at::Tensor above = margins_at(logits, scene.labels) - bound;
        const double rounding = 1e-5 * (1 + logits.abs().max().item<double>());
        EXPECT_GE(smallest(at::where(above.isnan(), at::zeros_like(above), above)), -rounding) << scene.name;
      }
    }
  }
}

TEST(MarginBounds, LinearOnesAreTighterWithRefinement) {
  const at::NoGradGuard no_grad;
  double gain = 0;
  for (const Scene& scene : scenes()) {
    const LayerGraph graph = scene.network->layer_graph();
    const auto logits = static_cast<int64_t>(graph.layers().size()) - 1;
    const Region region{scene.images, Norm::kLinf, same_eps(scene.images, 0.02)};
    const Bounds plain(graph, region, 0, kGo);
    const Bounds refined(graph, region, kRefine, kGo);
    const at::Tensor width = plain.interval(logits).upper - plain.interval(logits).lower;
    const at::Tensor narrower = refined.interval(logits).upper - refined.interval(logits).lower;
    EXPECT_GE(smallest(width - narrower), -1e-9) << scene.name;
    const at::Tensor best = margin_bounds(refined, graph, scene.labels).amin(1);
    gain += (best - margin_bounds(plain, graph, scene.labels).amin(1)).sum().item<double>();
  }
  EXPECT_GT(gain, 0);
}

TEST(MarginBounds, AreExactForAnAffineNetwork) {
  const at::NoGradGuard no_grad;
  Linear linear(32, 5);
  linear.parameters()[0].copy_(random_tensor(2, {5, 32}, -1, 1));
  linear.parameters()[1].copy_(random_tensor(3, {5}, -0.1, 0.1));
  LayerGraph graph;
  graph.add(0, linear);
  const LinearModel model(5, 2);
  const at::Tensor images = grey_images(20);
  const at::Tensor labels = model(images).argmax(1);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const at::Tensor radius = model.optimum(norm, images, labels).to(at::kDouble);
    const Bounds bounds(graph, {images, norm, radius}, 0, kGo);
    // At the distance of the decision boundary the smallest margin is zero.
    const at::Tensor least = margin_bounds(bounds, graph, labels).amin(1);
    EXPECT_LT(least.abs().max().item<double>(), 1e-4);
  }
}

TEST(Certify, FindsRadiiThatNoAttackContradicts) {
  int64_t some = 0;
  for (const Scene& scene : scenes()) {
    const LayerGraph graph = scene.network->layer_graph();
    at::Tensor logits;
    Certificates found;
    {
      const at::NoGradGuard no_grad;
      logits = scene.network->forward(scene.images);
      found = certify(graph, scene.images, scene.labels, logits, {Norm::kLinf, 0.01}, {6, 6, kRefine}, kGo);
    }
    some += (found.radius > 0).sum().item<int64_t>();
    EXPECT_TRUE((found.certified == (found.radius >= 0.01)).all().item<bool>()) << scene.name;
    for (int64_t n = 0; n < scene.images.size(0); ++n) {
      const double radius = found.radius[n].item<double>();
      if (radius == 0) continue;
      Scene one = scene;
      one.indices = scene.indices.narrow(0, n, 1);
      one.images = scene.images.narrow(0, n, 1);
      one.labels = scene.labels.narrow(0, n, 1);
      for (const at::Tensor& x : points_of(one, {Norm::kLinf, radius}, 4))
        EXPECT_EQ(scene.network->forward(x).argmax(1).item<int64_t>(), one.labels.item<int64_t>());
    }
  }
  EXPECT_GT(some, 20) << "the certificates would be vacuous";
}

TEST(Certify, CertifiesNoMisclassifiedImage) {
  const at::NoGradGuard no_grad;
  const Scene& scene = scenes().front();
  const at::Tensor wrong = (scene.labels + 1) % kTinyClasses;
  const Certificates found =
      certify(scene.network->layer_graph(), scene.images, wrong, scene.network->forward(scene.images),
              {Norm::kLinf, 1e-4}, {6, 4, 0}, kGo);
  EXPECT_EQ(found.certified.sum().item<int64_t>(), 0);
  EXPECT_EQ(found.radius.max().item<double>(), 0);
}

TEST(Certify, DoesNotDependOnTheBatch) {
  const at::NoGradGuard no_grad;
  const Scene& scene = scenes().front();
  const LayerGraph graph = scene.network->layer_graph();
  const at::Tensor logits = scene.network->forward(scene.images);
  const auto radii = [&](int64_t from, int64_t count) {
    return certify(graph, scene.images.narrow(0, from, count), scene.labels.narrow(0, from, count),
                   logits.narrow(0, from, count), {Norm::kLinf, 0.01}, {6, 6, kRefine}, kGo)
        .radius;
  };
  EXPECT_LT((radii(0, 6).narrow(0, 2, 1) - radii(2, 1)).abs().item<double>(), 1e-3);
}

TEST(Certify, StopsWhenAsked) {
  const std::atomic<bool> stop{true};
  const Scene& scene = scenes().front();
  EXPECT_THROW(certify(scene.network->layer_graph(), scene.images, scene.labels,
                       scene.network->forward(scene.images), {}, {6, 4, 0}, stop),
               Cancelled);
}

}  // namespace
}  // namespace selfgrad
