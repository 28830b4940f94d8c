// GradAlign (Andriushchenko & Flammarion 2020, arXiv 2007.02617, equation 5): FGSM from the image, and a
// penalty of lambda (1 - cos) on the angle between the gradients at the image and at a random point of the
// ball, which need not lie in [0, 1]. As in its code only the second gradient is differentiated. Passes an
// example: one of attack, one of training, and two of the penalty, since differentiating a gradient repeats
// the forward's work (its tangents) and the backward's.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <torch/csrc/autograd/autograd.h>

#include "train/strategy.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

class GradAlign : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const AttackModeGuard mode(context);
    gradient_ = input_gradient(context, context.images);
    x_ = ascend(context, context.images, gradient_, context.options.strategy.alpha);
  }

  StepOutput loss(StepContext& context) override {
    StepOutput output = training_forward(context, x_);
    // A rank's share is that of its images, also where some of their gradients are zero and do not count.
    output.loss = output.loss + context.share.images * context.options.strategy.lambda *
                                    misalignment(gradient_, gradient_nearby(context));
    return output;
  }

 private:
  // With its graph.
  at::Tensor gradient_nearby(StepContext& context) const {
    const AttackModeGuard mode(context);
    const at::Tensor x = (context.images + start_noise(context)).requires_grad_();
    const at::Tensor loss =
        at::cross_entropy_loss(counted_forward(context, x), context.labels, {}, at::Reduction::Sum);
    context.passes += {.forward = x.size(0), .backward = x.size(0)};
    return torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  }

  at::Tensor gradient_, x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_gradalign() {
  return std::make_unique<GradAlign>();
}

}  // namespace selfgrad
