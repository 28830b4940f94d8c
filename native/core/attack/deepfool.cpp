// Steps to the nearest boundary until an image has crossed one.
#include "attack/deepfool.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

#include "attack/active_set.h"
#include "attack/boundary.h"
#include "attack/targets.h"

namespace selfgrad {
namespace {

// The authors' constant. Where [0, 1] has cut the overshoot off, steps would end at the boundary without it.
constexpr double kBeyond = 1e-4;

}  // namespace

AttackResult DeepFool::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                           const at::Tensor&, uint32_t) const {
  const auto& [norm, eps] = options_.threat;
  at::Tensor adversarial = images.clone();
  at::Tensor distance = at::full({images.size(0)}, std::numeric_limits<double>::infinity(), images.options());
  at::Tensor steps = no_steps(images);
  ActiveSet active(images.size(0), images.device());
  at::Tensor aims = likeliest_wrong(target.logits(images), labels, options_.targets);
  at::Tensor origin = images;
  at::Tensor y = labels;
  at::Tensor x = images;
  at::Tensor way = at::zeros_like(images);
  for (int64_t step = 0; step < options_.steps && !active.empty(); ++step) {
    const Boundary nearest = nearest_boundary(target, norm, x, y, aims);
    way = way + (nearest.distance + kBeyond).view({-1, 1, 1, 1}) * steepest_direction(norm, nearest.normal);
    x = (origin + (1.0 + options_.overshoot) * way).clamp(0, 1);
    const at::Tensor wrong = misclassified(target.logits(x), y).logical_and(active.alive());
    store_rows(adversarial, active.rows(), active.alive(), x);
    store_rows(distance, active.rows(), wrong, perturbation_norm(norm, x - origin));
    fill_rows(steps, active.rows(), wrong, step + 1);
    active.leave(wrong, {&aims, &origin, &y, &x, &way});
  }
  return {adversarial, distance <= eps, distance, steps};
}

}  // namespace selfgrad
