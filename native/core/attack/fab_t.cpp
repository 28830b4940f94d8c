// The loops over targets and restarts, and the step along the boundary.
#include "attack/fab_t.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

#include <limits>

#include "attack/active_set.h"
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
        distance(at::full({images.size(0)}, std::numeric_limits<double>::infinity(), images.options())) {}

  /// Takes the iterates x that their logits show to be misclassified and nearer; returns the misclassified.
  at::Tensor update(const at::Tensor& x, const at::Tensor& logits, const at::Tensor& labels) {
    at::Tensor wrong = misclassified(logits, labels);
    const at::Tensor size = perturbation_norm(norm, x - images);
    const at::Tensor nearer = wrong.logical_and(size < distance);
    adversarial = where_rows(nearer, x, adversarial);
    distance = at::where(nearer, size, distance);
    return wrong;
  }

  at::Tensor images;
  Norm norm;
  at::Tensor adversarial, distance;
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

/// One descent from x towards one class of each row, `aims` (N) int64.
void descend(Target& target, int64_t steps, const at::Tensor& labels, const at::Tensor& aims, at::Tensor x,
             Nearest& nearest) {
  const auto lead = [&](const at::Tensor& z) {
    return (z.gather(1, aims.unsqueeze(1)) - z.gather(1, labels.unsqueeze(1))).squeeze(1);
  };
  for (int64_t step = 0; step < steps; ++step) {
    const Target::Gradient g = target.gradient(x, lead);
    nearest.update(x, g.logits, labels);
    x = step_beyond(nearest.norm, nearest.images, x, g.gradient, -lead(g.logits));
    const at::Tensor wrong = nearest.update(x, target.logits(x), labels);
    x = where_rows(wrong, nearest.images + kBeta * (x - nearest.images), x);
  }
}

}  // namespace

AttackResult FabT::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                       const at::Tensor& indices, uint32_t round) const {
  const Threat& threat = options_.threat;
  const at::Tensor aims = likeliest_wrong(target.logits(images), labels, options_.targets);
  Nearest nearest(images, threat.norm);
  for (int64_t rank = 0; rank < aims.size(1); ++rank) {
    for (int64_t restart = 0; restart < options_.restarts; ++restart) {
      at::Tensor start = images;
      if (restart > 0) {
        const auto draw = round + static_cast<uint32_t>(rank * options_.restarts + restart);
        const at::Tensor noise =
            random_surface_start({threat.norm, threat.eps / 2}, {target.seed(), Purpose::kAttackStart, draw},
                                 indices, images.sizes().slice(1));
        start = (images + noise.to(images.device())).clamp(0, 1);
      }
      descend(target, options_.steps, labels, aims.select(1, rank), start, nearest);
    }
  }
  return {nearest.adversarial, nearest.distance <= threat.eps, nearest.distance};
}

}  // namespace selfgrad
