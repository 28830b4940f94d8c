// One gradient, one step.
#include "attack/fgsm.h"

#include <ATen/TensorOperators.h>

namespace selfgrad {

AttackResult Fgsm::run(Target& target, const at::Tensor& images, const at::Tensor& labels, const at::Tensor&,
                       uint32_t) const {
  const Threat& threat = options_.threat;
  const auto loss = [&](const at::Tensor& z) { return attack_loss(options_.loss, z, labels, 0.0); };
  const at::Tensor gradient = target.gradient(images, loss).gradient;
  const at::Tensor x = projected_step(threat, images, images, gradient, threat.eps);
  return {x, misclassified(target.logits(x), labels), {}, no_steps(images) + 1};
}

}  // namespace selfgrad
