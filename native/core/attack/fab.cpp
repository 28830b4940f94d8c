// The loops over targets and restarts, and the step along the boundary.
#include "attack/fab.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/split.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

#include <limits>
#include <vector>

#include "attack/active_set.h"
#include "attack/boundary.h"
#include "attack/box_hyperplane.h"
#include "attack/targets.h"

namespace selfgrad {
namespace {

// The paper's names and values; AutoAttack's too.
constexpr double kAlphaMax = 0.1;  ///< largest weight of the image's own projection
constexpr double kEta = 1.05;      ///< overshoot beyond the boundary
constexpr double kBeta = 0.9;      ///< what is kept of a perturbation that fools
constexpr double kSmallestNorm = 1e-8;

/// The nearest misclassified image of each row so far.
struct Nearest {
  Nearest(const at::Tensor& images, Norm norm)
      : images(images),
        norm(norm),
        adversarial(images.clone()),
        distance(at::full({images.size(0)}, std::numeric_limits<double>::infinity(), images.options())),
        steps(no_steps(images)) {}

  /// Takes the iterates x after `step` steps that their logits show to be misclassified and nearer; returns
  /// the misclassified.
  at::Tensor update(const at::Tensor& x, const at::Tensor& logits, const at::Tensor& labels, int64_t step) {
    at::Tensor wrong = misclassified(logits, labels);
    const at::Tensor size = perturbation_norm(norm, x - images);
    const at::Tensor nearer = wrong.logical_and(size < distance);
    adversarial = where_rows(nearer, x, adversarial);
    distance = at::where(nearer, size, distance);
    steps.masked_fill_(nearer, step);
    return wrong;
  }

  at::Tensor images;
  Norm norm;
  at::Tensor adversarial, distance, steps;
};

/// The next iterate: beyond the hyperplane <normal, .> = <normal, x> + gap, near x and the image. gap (N).
at::Tensor step_beyond(Norm norm, const at::Tensor& images, const at::Tensor& x, const at::Tensor& normal,
                       const at::Tensor& gap) {
  const at::Tensor way = (normal * (x - images)).sum({1, 2, 3});
  const at::Tensor from_x = shortest_to_hyperplane(norm, x, normal, gap);
  const at::Tensor from_image = shortest_to_hyperplane(norm, images, normal, gap + way);
  const at::Tensor size_from_x = perturbation_norm(norm, from_x).clamp_min(kSmallestNorm);
  const at::Tensor size_from_image = perturbation_norm(norm, from_image).clamp_min(kSmallestNorm);
  const at::Tensor alpha =
      (size_from_x / (size_from_x + size_from_image)).clamp_max(kAlphaMax).view({-1, 1, 1, 1});
  return ((1.0 - alpha) * (x + kEta * from_x) + alpha * (images + kEta * from_image)).clamp(0, 1);
}

/// One descent from x, after `before` steps of others, in each step towards the nearest of the classes `aims`
/// (N, T) int64.
void descend(Target& target, int64_t before, int64_t steps, const at::Tensor& labels, const at::Tensor& aims,
             at::Tensor x, Nearest& nearest) {
  Boundary boundary;
  // The pass that tells who is misclassified by a step is that of the next one's boundary too, for all that
  // are not pulled back. Where most are, it would be a boundary for nothing.
  bool ahead = false, few_fooled = true;
  for (int64_t step = before; step < before + steps; ++step) {
    if (!ahead) boundary = nearest_boundary(target, nearest.norm, x, labels, aims);
    nearest.update(x, boundary.logits, labels, step);
    x = step_beyond(nearest.norm, nearest.images, x, boundary.normal, -boundary.lead);
    ahead = few_fooled && step + 1 < before + steps;
    if (ahead) boundary = nearest_boundary(target, nearest.norm, x, labels, aims);
    const at::Tensor wrong = nearest.update(x, ahead ? boundary.logits : target.logits(x), labels, step + 1);
    x = where_rows(wrong, nearest.images + kBeta * (x - nearest.images), x);
    const at::Tensor rows = wrong.nonzero().squeeze(1);
    few_fooled = 2 * rows.size(0) < x.size(0);
    if (!ahead || rows.size(0) == 0) continue;
    boundary.put(rows, nearest_boundary(target, nearest.norm, select_rows(x, rows),
                                        labels.index_select(0, rows), aims.index_select(0, rows)));
  }
}

}  // namespace

AttackResult Fab::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                      const at::Tensor& indices, uint32_t round) const {
  const Threat& threat = options_.threat;
  const at::Tensor logits = target.logits(images);
  const bool each = aim_ == FabAim::kEachInTurn;
  const at::Tensor wrong = likeliest_wrong(logits, labels, each ? options_.targets : logits.size(1));
  const std::vector<at::Tensor> aims = wrong.split(each ? 1 : wrong.size(1), 1);
  Nearest nearest(images, threat.norm);
  for (size_t turn = 0; turn < aims.size(); ++turn) {
    for (int64_t restart = 0; restart < options_.restarts; ++restart) {
      const int64_t descents = static_cast<int64_t>(turn) * options_.restarts + restart;
      at::Tensor start = images;
      if (restart > 0) {
        const auto draw = round + static_cast<uint32_t>(descents);
        const at::Tensor noise =
            random_surface_start({threat.norm, threat.eps / 2}, {target.seed(), Purpose::kAttackStart, draw},
                                 indices, images.sizes().slice(1));
        start = (images + noise.to(images.device())).clamp(0, 1);
      }
      descend(target, descents * options_.steps, options_.steps, labels, aims[turn], start, nearest);
    }
  }
  return {nearest.adversarial, nearest.distance <= threat.eps, nearest.distance, nearest.steps};
}

}  // namespace selfgrad
