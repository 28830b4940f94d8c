// One gradient, one step.
#include "attack/fgsm.h"

#include <ATen/TensorOperators.h>

#include "attack/goal.h"

namespace selfgrad {

AttackResult Fgsm::run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                       const at::Tensor& indices, uint32_t) const {
  const Threat& threat = options_.threat;
  const at::Tensor aims = aims_of(options_, target, images, labels, indices);
  const Goal goal = goal_of(labels, aims);
  const auto loss = [&](const at::Tensor& z) { return goal.loss(options_.loss, z, 0.0); };
  const at::Tensor gradient = target.gradient(images, loss).gradient;
  const at::Tensor x = projected_step(threat, images, images, gradient, threat.eps);
  return {x, goal.reached(target.logits(x)), {}, no_steps(images) + 1, aims};
}

}  // namespace selfgrad
