#include "stability/hessian.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace selfgrad {

Hessian::Hessian(StabilityBatch& batch) : target_(batch.target) {
  const torch::autograd::AutoGradMode graph(true);
  input_ = batch.images.detach().requires_grad_();
  const at::Tensor loss = cross_entropy(target_.differentiable_logits(input_), batch.labels);
  target_.count_backward(input_.size(0));
  gradient_ = torch::autograd::grad({loss.sum()}, {input_}, {}, /*retain_graph=*/true,
                                    /*create_graph=*/true)[0];
}

at::Tensor Hessian::times(const at::Tensor& v) {
  target_.count_backward(2 * input_.size(0));
  return torch::autograd::grad({gradient_}, {input_}, {v}, /*retain_graph=*/true)[0];
}

}  // namespace selfgrad
