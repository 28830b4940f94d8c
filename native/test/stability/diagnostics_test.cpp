// Each diagnostic against a closed form, a dense Hessian or float64 derivatives of the same network.
#include "stability/diagnostics.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/max.h>
#include <ATen/ops/median.h>
#include <ATen/ops/min.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stability/hessian.h"
#include "stability/layers.h"
#include "stability/networks.h"
#include "stability/stability.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

constexpr Threat kThreat{Norm::kLinf, 0.03};

double value(const Columns& columns, const std::string& name, int64_t n) {
  return columns.at(name)[n].item<double>();
}

TEST(GradientNorms, AreThoseOfTheExactGradient) {
  for (const Scene& scene : scenes()) {
    const Analysed analysed(scene, kThreat);
    const at::Tensor exact =
        exact_gradient(scene.network->layer_graph(), scene.images.to(at::kDouble), scene.labels).flatten(1);
    for (int64_t n = 0; n < scene.images.size(0); ++n) {
      const double l1 = exact[n].abs().sum().item<double>();
      // Near certainty, 1 - p has few digits left in float32.
      EXPECT_NEAR(value(analysed.norms, "gradient_l1", n), l1, 0.02 * l1 + 1e-6) << scene.name;
      EXPECT_LE(value(analysed.norms, "gradient_l2", n), value(analysed.norms, "gradient_l1", n));
      EXPECT_EQ(value(analysed.norms, "correct", n), 1);
    }
  }
}

TEST(Hessian, TimesAVectorIsTheDifferenceOfGradients) {
  for (const Scene& scene : scenes()) {
    if (scene.network->options().activation != "silu") continue;  // ReLU has kinks between the points
    Analysed analysed(scene, kThreat);
    Hessian hessian(analysed.batch);
    const at::Tensor v = random_tensor(4, scene.images.sizes().vec(), -1, 1);
    const at::Tensor product = hessian.times(v);
    const LayerGraph graph = scene.network->layer_graph();
    const at::Tensor x = scene.images.to(at::kDouble);
    const double h = 1e-5;
    const at::Tensor difference =
        (exact_gradient(graph, x + h * v, scene.labels) - exact_gradient(graph, x - h * v, scene.labels)) /
        (2 * h);
    const double scale = difference.abs().max().item<double>();
    EXPECT_LT((product - difference).abs().max().item<double>(), 2e-3 * scale + 1e-6) << scene.name;
  }
}

TEST(Curvature, AgreesWithTheDenseHessian) {
  for (const Scene& scene : scenes()) {
    Analysed analysed(scene, kThreat);
    const Columns found = curvature(analysed.batch, 60);
    const LayerGraph graph = scene.network->layer_graph();
    for (int64_t n = 0; n < 2; ++n) {
      const at::Tensor h =
          dense_hessian(graph, scene.images.narrow(0, n, 1).to(at::kDouble), scene.labels.narrow(0, n, 1));
      const at::Tensor eigenvalues = at::linalg_eigvalsh((h + h.t()) / 2);
      const double largest = eigenvalues.abs().max().item<double>();
      const double tolerance = 2e-3 * largest + 1e-6;
      const double eigenvalue = value(found, "eigenvalue", n);
      const double residual = value(found, "eigenvalue_residual", n);
      // A Rayleigh quotient cannot leave the spectrum, and an eigenvalue lies within the residual of it.
      EXPECT_LE(std::abs(eigenvalue), largest + tolerance) << scene.name;
      EXPECT_LE((eigenvalues - eigenvalue).abs().min().item<double>(), residual + tolerance) << scene.name;
      if (residual < 0.01 * largest) {
        EXPECT_NEAR(std::abs(eigenvalue), largest, 0.05 * largest) << scene.name;
      }
      const at::Tensor s = analysed.batch.gradient[n].sign().flatten().to(at::kDouble);
      const double along = (s.dot(h.matmul(s)) / s.dot(s)).item<double>();
      EXPECT_NEAR(value(found, "gradient_curvature", n), along, tolerance) << scene.name;
    }
  }
}

TEST(Linearity, ErrorAndGradientBoundEveryChangeOfLossThatWasSeen) {
  for (const Scene& scene : scenes()) {
    Analysed analysed(scene, kThreat);
    const Ascent ascent = ascend(analysed.batch, 10, kThreat.eps / 4);
    const Columns found = linearity(analysed.batch, ascent, 4);
    for (int64_t n = 0; n < scene.images.size(0); ++n) {
      const double change = (ascent.best.loss[n] - analysed.batch.loss[n]).abs().item<double>();
      const double first_order = kThreat.eps * value(analysed.norms, "gradient_l1", n);
      const double error = value(found, "linearity_error", n);
      EXPECT_LE(change, first_order + error + 1e-5) << scene.name;
      EXPECT_NEAR(value(found, "linearity_ratio", n) * first_order, error, 1e-6 + 1e-6 * error);
    }
  }
}

/// Two classes: the loss is a convex function of one projection of the image.
struct Plane {
  LinearModel model{2};
  at::Tensor images = grey_images(8);
  at::Tensor labels = model(images).argmax(1);
};

TEST(Diagnostics, OfALinearModelAreAsOneDimensionSays) {
  const Plane plane;
  Analysed analysed(plane.model, plane.images, plane.labels, kThreat);
  const Ascent ascent = ascend(analysed.batch, 10, kThreat.eps / 4);
  const Columns quality = adversary_quality(analysed.batch, ascent);
  const Columns agree = agreement(analysed.batch);
  const Columns curve = curvature(analysed.batch, 5);
  const Columns radius = margin_radius(analysed.batch);
  const at::Tensor expected = plane.model.optimum(Norm::kLinf, plane.images, plane.labels);
  const at::Tensor w = plane.model.weight[0] - plane.model.weight[1];
  for (int64_t n = 0; n < plane.images.size(0); ++n) {
    EXPECT_NEAR(value(quality, "adversary_quality", n), 1, 1e-4);
    EXPECT_NEAR(value(agree, "gradient_cosine", n), 1, 1e-5);
    EXPECT_NEAR(value(agree, "gradient_agreement", n), 1, 1e-5);
    EXPECT_NEAR(value(radius, "margin_radius", n), expected[n].item<double>(), 1e-5);
    // H = p (1 - p) w w'.
    const double p = std::exp(-analysed.batch.loss[n].item<double>());
    const double eigenvalue = p * (1 - p) * w.dot(w).item<double>();
    EXPECT_NEAR(value(curve, "eigenvalue", n), eigenvalue, 1e-4 * eigenvalue);
    EXPECT_LT(value(curve, "eigenvalue_residual", n), 1e-4 * eigenvalue);
  }
}

TEST(MarginRadius, IsExactForALinearModelInEitherNorm) {
  const LinearModel model(5);
  const at::Tensor images = grey_images(10);
  const at::Tensor labels = model(images).argmax(1);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    Analysed analysed(model, images, labels, {norm, 0.1});
    const Columns found = margin_radius(analysed.batch);
    const at::Tensor expected = model.optimum(norm, images, labels);
    for (int64_t n = 0; n < 10; ++n)
      EXPECT_NEAR(value(found, "margin_radius", n), expected[n].item<double>(), 1e-5);
  }
}

TEST(GradientError, IsSmallForEveryNetworkInEitherNorm) {
  for (const Scene& scene : scenes()) {
    for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
      Analysed analysed(scene, {norm, norm == Norm::kLinf ? 0.03 : 0.3});
      const Columns found = gradient_error(analysed.batch);
      for (int64_t n = 0; n < scene.images.size(0); ++n)
        // The kinks of random ReLU layers, and of max-pools, lie closer than the shortest step.
        EXPECT_LT(value(found, "gradient_error", n),
                  scene.name.ends_with("relu random") || scene.name.starts_with("layers") ? 0.2 : 0.02)
            << scene.name;
    }
  }
}

TEST(GradientError, IsLargeWhereTheBackwardIsNotThatOfTheForward) {
  const Scene& scene = scenes()[3];
  // Rounds the image to ten levels, and passes its gradient through as if it had not; then one with half of
  // it.
  const auto rounded = [&scene](const at::Tensor& x) {
    return scene.network->forward(x + (x.mul(10).round().div(10) - x).detach());
  };
  const auto halved = [&scene](const at::Tensor& x) {
    return scene.network->forward(x / 2 + (x / 2).detach());
  };
  Analysed first(rounded, scene.images, scene.labels, kThreat);
  Analysed second(halved, scene.images, scene.labels, kThreat);
  // Over many pixels, steps of rounding may come near the slope by chance.
  EXPECT_GT(gradient_error(first.batch).at("gradient_error").median().item<double>(), 0.1);
  const Columns of_halved = gradient_error(second.batch);
  for (int64_t n = 0; n < scene.images.size(0); ++n)
    EXPECT_NEAR(value(of_halved, "gradient_error", n), 1, 0.05);
}

TEST(Diagnostics, OfAConstantNetworkAreDefinedOrNotANumber) {
  const auto constant = [](const at::Tensor& x) {
    return x.flatten(1).narrow(1, 0, 3) * 0 + at::tensor({1.0F, 0.0F, 0.0F});
  };
  const at::Tensor images = grey_images(2);
  Analysed analysed(constant, images, at::zeros({2}, at::kLong), kThreat);
  const Ascent ascent = ascend(analysed.batch, 3, 0.01);
  EXPECT_EQ(value(analysed.norms, "gradient_l1", 0), 0);
  EXPECT_TRUE(std::isnan(value(linearity(analysed.batch, ascent, 1), "linearity_ratio", 0)));
  EXPECT_TRUE(std::isnan(value(agreement(analysed.batch), "gradient_cosine", 0)));
  EXPECT_TRUE(std::isnan(value(adversary_quality(analysed.batch, ascent), "adversary_quality", 0)));
  EXPECT_TRUE(std::isinf(value(margin_radius(analysed.batch), "margin_radius", 0)));
  EXPECT_TRUE(std::isinf(value(gradient_error(analysed.batch), "gradient_error", 0)));
  EXPECT_EQ(value(curvature(analysed.batch, 2), "eigenvalue", 0), 0);
}

StabilityOptions stability_options(int64_t batch_size) {
  StabilityOptions options;
  options.count = 10;
  options.batch_size = batch_size;
  options.threat = kThreat;
  options.steps = 4;
  options.alpha = 0.01;
  options.iterations = 5;
  options.random_points = 2;
  options.multiples = {0, 0.5, 1};
  options.certify = {4, 3, 100};
  return options;
}

StabilityResult analyse(const Scene& scene, const StabilityOptions& options) {
  const std::atomic<bool> stop{false};
  return stability(*scene.network, tiny_data(), options, stop, [](const StabilityProgress&) {});
}

TEST(Stability, DoesNotDependOnTheBatch) {
  for (const size_t scene : {1, 7}) {
    const StabilityResult one = analyse(scenes()[scene], stability_options(3));
    const StabilityResult other = analyse(scenes()[scene], stability_options(10));
    ASSERT_EQ(one.images.size(), 18U);
    for (const auto& [name, values] : one.images) {
      for (int64_t n = 0; n < values.size(0); ++n) {
        const double a = values[n].item<double>();
        const double b = value(other.images, name, n);
        if (std::isnan(a) && std::isnan(b)) continue;
        // The gradient's error is itself of the size of rounding.
        const double rounding = name == "gradient_error" ? 0.01 : 1e-4;
        EXPECT_NEAR(a, b, rounding + 0.01 * std::abs(a)) << name << " of image " << n;
      }
    }
  }
}

TEST(Stability, CountsItsPasses) {
  const StabilityResult result = analyse(scenes()[1], stability_options(10));
  // Gradient 1; FGSM 1 and 4 steps (3 gradients, 1 look); 2 random points; 1 neighbour; Hessian 1;
  // margins 1; profile 3 x 3; gradient error 7. Only the first 4 images are certified, with a forward pass
  // each.
  EXPECT_EQ(result.passes.forward, 10 * (1 + 1 + 4 + 2 + 1 + 1 + 1 + 9 + 7) + 4);
  // Gradient 1, steps 3, neighbour 1, Hessian 1 and 7 products of 2, 4 classes, gradient error 1.
  EXPECT_EQ(result.passes.backward, 10 * (1 + 3 + 1 + 1 + 14 + 4 + 1));
}

TEST(Stability, ProfilesStartAtTheMeanLossAndPgdIsTheSteepest) {
  const StabilityResult result = analyse(scenes()[1], stability_options(10));
  const double loss = result.images.at("loss").mean().item<double>();
  const double correct = result.images.at("correct").mean().item<double>();
  ASSERT_EQ(result.profiles.size(), 3U);
  for (const LossProfile& profile : result.profiles) {
    EXPECT_NEAR(profile.loss[0], loss, 1e-5);
    EXPECT_NEAR(profile.accuracy[0], correct, 1e-12);
  }
  EXPECT_EQ(result.profiles[1].direction, "pgd");
  EXPECT_GE(result.profiles[1].loss[2], result.profiles[2].loss[2]);
}

TEST(Stability, CertifiesAtMostWhatStandsUnderAttack) {
  const StabilityResult result = analyse(scenes()[1], stability_options(10));
  const at::Tensor certified = result.images.at("certified");
  EXPECT_EQ(certified.size(0), 4);
  EXPECT_TRUE((certified <= result.images.at("attacked").narrow(0, 0, 4)).all().item<bool>());
}

TEST(Stability, StopsWhenAsked) {
  std::atomic<bool> stop{false};
  EXPECT_THROW(stability(*scenes()[0].network, tiny_data(), stability_options(5), stop,
                         [&](const StabilityProgress&) { stop = true; }),
               Cancelled);
}

}  // namespace
}  // namespace selfgrad
