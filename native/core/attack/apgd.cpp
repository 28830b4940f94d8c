// Who is under attack, towards which class, and what was found; the steps themselves are ApgdClimb's.
#include "attack/apgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/expand.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "attack/active_set.h"
#include "attack/apgd_climb.h"
#include "attack/apgd_l1_climb.h"
#include "attack/steps.h"
#include "attack/targets.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

/// rank (N) int64: the wrong class that kTargetedDlr climbs towards.
at::Tensor loss_of(ApgdLoss loss, const at::Tensor& logits, const Goal& goal, const at::Tensor& rank) {
  switch (loss) {
    case ApgdLoss::kDlr:
      return dlr(logits, goal.classes);
    case ApgdLoss::kTargetedDlr:
      return targeted_dlr(logits, goal.classes, rank);
    case ApgdLoss::kCrossEntropy:
      break;
  }
  return goal.loss(AttackLoss::kCrossEntropy, logits, 0.0);
}

AttackResult nothing_found(const at::Tensor& images) {
  return {
      images.clone(), at::zeros({images.size(0)}, images.options().dtype(at::kBool)), {}, no_steps(images)};
}

}  // namespace

/// towards (N) int64: the wrong class of each image, for kTargetedDlr.
AttackResult Apgd::climb(Target& target, const at::Tensor& images, const Goal& goal,
                         const at::Tensor& indices, const at::Tensor& towards, uint32_t round) const {
  const Threat& threat = options_.threat;
  const DrawKey key{target.seed(), Purpose::kAttackStart, round};
  const auto shape = images.sizes().slice(1);
  const bool l1 = threat.norm == Norm::kL1;
  const at::Tensor noise = l1 ? upload(normal(key, indices, shape), images.device())
                              : random_surface_start(threat, key, indices, shape, images.device());
  const at::Tensor start = project(threat, images, images + noise);
  if (l1) return follow(ApgdL1Climb(threat, options_.steps, images, start), target, images, goal, towards);
  return follow(ApgdClimb(threat, options_.steps, images, start), target, images, goal, towards);
}

/// Climbs until it is broken or the steps are used up.
template <class Climb>
AttackResult Apgd::follow(Climb climb, Target& target, const at::Tensor& images, Goal goal,
                          const at::Tensor& towards) const {
  AttackResult result = nothing_found(images);
  ActiveSet active(images.size(0), images.device());
  at::Tensor rank = towards;
  std::vector<at::Tensor*> rows = climb.rows();
  rows.insert(rows.end(), {&goal.classes, &rank});
  at::Tensor taken = at::zeros({}, result.step.options());
  const auto record = [&](const at::Tensor& logits) {
    at::Tensor wrong = goal.reached(logits).logical_and(active.alive());
    store_rows(result.adversarial, active.rows(), wrong, climb.x());
    store_rows(result.success, active.rows(), wrong, wrong);
    store_rows(result.step, active.rows(), wrong, taken.expand({wrong.size(0)}));
    return wrong;
  };
  const auto take_step = [&] {
    at::Tensor value;
    const auto loss = [&](const at::Tensor& z) { return value = loss_of(loss_, z, goal, rank); };
    const Target::Gradient g = target.gradient(climb.x(), loss);
    const at::Tensor done = record(g.logits);
    climb.step(value.detach(), g.gradient);
    taken.add_(1);
    active.mark(done);
  };
  Steps steps(target, images.device());
  int64_t unseen = 0;
  for (int64_t step = 0; step < options_.steps && !active.empty();) {
    const int64_t alike = climb.alike();
    const int64_t count = std::min({alike, steps.at_once(), options_.steps - step});
    if (alike > 1) {
      steps.take(count, take_step);
    } else {
      take_step();
    }
    climb.set_taken(step += count);
    unseen += count;
    if (unseen < steps.at_once()) continue;
    unseen = 0;
    if (active.drop(rows)) steps.moved();
  }
  if (!active.empty()) {
    const at::Tensor standing = record(target.logits(climb.x())).logical_not().logical_and(active.alive());
    store_rows(result.adversarial, active.rows(), standing, climb.x());
  }
  return result;
}

AttackResult Apgd::run_targeted(Target& target, const at::Tensor& images, const at::Tensor& labels,
                                const at::Tensor& indices, uint32_t round) const {
  const at::Tensor aims = likeliest_wrong(target.logits(images), labels, options_.targets);
  AttackResult result = nothing_found(images);
  for (int64_t rank = 0; rank < aims.size(1); ++rank) {
    const at::Tensor rows = result.success.logical_not().nonzero().squeeze(1);
    if (rows.size(0) == 0) break;
    // Each climb has a start of its own: rounds count restarts, so the ranks continue where those end.
    const auto start = round + static_cast<uint32_t>(rank * options_.restarts);
    const AttackResult found =
        climb(target, select_rows(images, rows), goal_of(labels.index_select(0, rows), {}),
              indices.index_select(0, rows.cpu()), aims.select(1, rank).index_select(0, rows), start);
    result.adversarial.index_copy_(0, rows, found.adversarial);
    result.success.index_copy_(0, rows, found.success);
    result.step.index_copy_(0, rows, found.step + rank * options_.steps);
  }
  result.step += restart_of(round) * aims.size(1) * options_.steps;
  return result;
}

AttackResult Apgd::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                       const at::Tensor& indices, uint32_t round) const {
  if (loss_ == ApgdLoss::kTargetedDlr) return run_targeted(target, images, labels, indices, round);
  const at::Tensor aims = aims_of(options_, target, images, labels, indices);
  AttackResult result = climb(target, images, goal_of(labels, aims), indices, labels, round);
  result.aims = aims;
  result.step += restart_of(round) * options_.steps;
  return result;
}

}  // namespace selfgrad
