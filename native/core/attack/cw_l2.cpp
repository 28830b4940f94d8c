// The search over c is the outer loop, Adam in tanh space the inner one; both keep their state per image.
#include "attack/cw_l2.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/atanh.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/square.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attack/active_set.h"
#include "attack/goal.h"

namespace selfgrad {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Keeps atanh finite on black and white pixels, as in the original.
constexpr double kTanhScale = 0.999999;

at::Tensor to_tanh_space(const at::Tensor& images) {
  return ((2.0 * images - 1.0) * kTanhScale).atanh();
}

/// Adam (Kingma & Ba 2015) for one search step; every row has made the same number of steps.
struct RowAdam {
  RowAdam(const at::Tensor& like, double rate)
      : learning_rate(rate), mean(at::zeros_like(like)), variance(at::zeros_like(like)) {}

  void step(at::Tensor& w, const at::Tensor& gradient) {
    ++count;
    mean = kBeta1 * mean + (1.0 - kBeta1) * gradient;
    variance = kBeta2 * variance + (1.0 - kBeta2) * gradient.square();
    const auto steps = static_cast<double>(count);
    const double rate = learning_rate / (1.0 - std::pow(kBeta1, steps));
    w = w - rate * mean / ((variance / (1.0 - std::pow(kBeta2, steps))).sqrt() + kEpsilon);
  }

  static constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  double learning_rate;
  int64_t count = 0;
  at::Tensor mean, variance;
};

/// The smallest perturbation that fools the network, of each image so far, squared.
struct SmallestFound {
  explicit SmallestFound(const at::Tensor& images)
      : adversarial(images.clone()),
        square(at::full({images.size(0)}, kInfinity, images.options())),
        steps(no_steps(images)) {}

  at::Tensor adversarial, square, steps;
};

/// The weight of the margin per image and the bracket that bisection narrows.
struct WeightSearch {
  WeightSearch(const at::Tensor& images, double initial)
      : c(at::full({images.size(0)}, initial, images.options())),
        low(at::zeros_like(c)),
        high(at::full_like(c, kInfinity)) {}

  /// found (N) bool: whether the search step at the present c fooled the network.
  void update(const at::Tensor& found) {
    high = at::where(found, high.minimum(c), high);
    low = at::where(found, low, low.maximum(c));
    c = at::where(high.isfinite(), (low + high) / 2.0, 10.0 * c);
  }

  at::Tensor c, low, high;
};

/// One search step, after `before` steps of earlier ones: Adam from the image at fixed c. Returns (N) bool,
/// which images it fooled.
at::Tensor descend(const AttackOptions& options, Target& target, const at::Tensor& images, Goal goal,
                   const at::Tensor& weights, int64_t before, SmallestFound& smallest) {
  at::Tensor found = at::zeros({images.size(0)}, images.options().dtype(at::kBool));
  ActiveSet active(images.size(0), images.device());
  at::Tensor origin = images;
  at::Tensor c = weights;
  at::Tensor w = to_tanh_space(images);
  at::Tensor previous = at::full_like(c, kInfinity);
  RowAdam adam(w, options.learning_rate);
  const int64_t check_every = std::max<int64_t>(1, options.steps / 10);
  for (int64_t step = 0; step < options.steps && !active.empty(); ++step) {
    const at::Tensor t = w.tanh();
    const at::Tensor x = (t + 1.0) / 2.0;
    const auto loss = [&](const at::Tensor& z) {
      return -c * goal.loss(AttackLoss::kMargin, z, options.confidence);
    };
    const Target::Gradient g = target.gradient(x, loss);
    const at::Tensor square = (x - origin).square().flatten(1).sum(1);
    const at::Tensor lead = goal.lead(g.logits);
    const at::Tensor fooled =
        goal.reached(g.logits).logical_and(lead >= options.confidence).logical_and(active.alive());
    const at::Tensor better = fooled.logical_and(square < smallest.square.index_select(0, active.rows()));
    store_rows(smallest.adversarial, active.rows(), better, x);
    store_rows(smallest.square, active.rows(), better, square);
    fill_rows(smallest.steps, active.rows(), better, before + step);
    store_rows(found, active.rows(), fooled, fooled);
    // d x / d w = (1 - tanh^2 w) / 2.
    adam.step(w, (g.gradient + 2.0 * (x - origin)) * (1.0 - t.square()) / 2.0);
    if ((step + 1) % check_every != 0) continue;
    const at::Tensor total = square + c * (options.confidence - lead.clamp_max(options.confidence));
    const at::Tensor stalled = total > 0.9999 * previous;
    previous = total;
    active.leave(stalled, {&origin, &goal.classes, &c, &w, &previous, &adam.mean, &adam.variance});
  }
  return found;
}

}  // namespace

AttackResult CwL2::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                       const at::Tensor& indices, uint32_t) const {
  const at::Tensor aims = aims_of(options_, target, images, labels, indices);
  SmallestFound smallest(images);
  WeightSearch search(images, options_.initial_c);
  for (int64_t step = 0; step < options_.binary_search_steps; ++step) {
    search.update(
        descend(options_, target, images, goal_of(labels, aims), search.c, step * options_.steps, smallest));
  }
  const at::Tensor size = perturbation_norm(options_.threat.norm, smallest.adversarial - images);
  const at::Tensor fooled = smallest.square.isfinite();
  return {smallest.adversarial, fooled.logical_and(size <= options_.threat.eps), smallest.square.sqrt(),
          smallest.steps, aims};
}

}  // namespace selfgrad
