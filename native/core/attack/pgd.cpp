// The forward of each step also tells which images are broken already, so they cost no pass of their own.
#include "attack/pgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/expand.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "attack/active_set.h"
#include "attack/goal.h"
#include "attack/steps.h"

namespace selfgrad {
namespace {

constexpr double kSmallestGradient = 1e-30;

/// The best iterate that reaches the goal, misclassified as it wants, of each image of a batch.
struct PgdRecord {
  /// before: steps of earlier restarts.
  PgdRecord(const at::Tensor& images, double threshold, int64_t before)
      : confidence(threshold),
        adversarial(images.clone()),
        best(at::full({images.size(0)}, -std::numeric_limits<float>::infinity(), images.options())),
        success(at::zeros({images.size(0)}, images.options().dtype(at::kBool))),
        steps(no_steps(images)),
        taken(at::full({}, before, steps.options())) {}

  /// Keeps the rows of x (M, C, H, W) that beat what is stored; returns (M) bool: who has reached
  /// `confidence`.
  at::Tensor update(const ActiveSet& active, const at::Tensor& x, const Goal& goal,
                    const at::Tensor& logits) {
    const at::Tensor reached = goal.reached(logits).logical_and(active.alive());
    const at::Tensor lead = goal.lead(logits);
    const at::Tensor better = reached.logical_and(lead > best.index_select(0, active.rows()));
    store_rows(adversarial, active.rows(), better, x);
    store_rows(best, active.rows(), better, lead);
    store_rows(success, active.rows(), better, reached);
    store_rows(steps, active.rows(), better, taken.expand({better.size(0)}));
    return reached.logical_and(lead >= confidence);
  }

  double confidence;
  at::Tensor adversarial, best, success, steps;
  at::Tensor taken;  ///< int64: steps so far
};

/// Each gradient over the sum of its absolute values; zero stays zero.
at::Tensor per_l1_norm(const at::Tensor& gradient) {
  const at::Tensor size = at::linalg_vector_norm(gradient.flatten(1), 1, {1});
  return gradient / size.clamp_min(kSmallestGradient).view({-1, 1, 1, 1});
}

}  // namespace

AttackResult Pgd::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                      const at::Tensor& indices, uint32_t round) const {
  const Threat& threat = options_.threat;
  const at::Tensor aims = aims_of(options_, target, images, labels, indices);
  Goal goal = goal_of(labels, aims);
  // Of points drawn at random (no steps) each restart is one.
  PgdRecord record(images, options_.confidence, restart_of(round) * std::max<int64_t>(1, options_.steps));
  ActiveSet active(images.size(0), images.device());
  at::Tensor origin = images;
  at::Tensor x = own(images);
  if (options_.random_start) {
    const DrawKey key{target.seed(), Purpose::kAttackStart, round};
    x = random_point(threat, key, indices, images);
  }
  std::vector<at::Tensor*> rows{&x, &origin, &goal.classes};
  at::Tensor velocity;
  if (momentum_) {
    velocity = at::zeros_like(images);
    rows.push_back(&velocity);
  }
  const auto take_step = [&] {
    const auto loss = [&](const at::Tensor& z) { return goal.loss(options_.loss, z, options_.confidence); };
    const Target::Gradient g = target.gradient(x, loss);
    const at::Tensor done = record.update(active, x, goal, g.logits);
    if (momentum_) assign(velocity, momentum_->decay * velocity + per_l1_norm(g.gradient));
    assign(x, projected_step(threat, origin, x, momentum_ ? velocity : g.gradient, options_.alpha));
    record.taken.add_(1);
    active.mark(done);
  };
  Steps steps(target, images.device());
  for (int64_t step = 0; step < options_.steps && !active.empty();) {
    const int64_t count = std::min(steps.at_once(), options_.steps - step);
    steps.take(count, take_step);
    step += count;
    if (active.drop(rows)) steps.moved();
  }
  if (!active.empty()) {
    record.update(active, x, goal, target.logits(x));
    // What never reached the goal comes back as it was last tried.
    const at::Tensor standing = record.success.index_select(0, active.rows()).logical_not();
    store_rows(record.adversarial, active.rows(), standing.logical_and(active.alive()), x);
  }
  return {record.adversarial, record.success, {}, record.steps, aims};
}

}  // namespace selfgrad
