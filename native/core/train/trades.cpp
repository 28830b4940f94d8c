// TRADES (Zhang et al. 2019, arXiv 1901.08573, algorithm 1): cross-entropy on the image, and beta times the
// divergence from its prediction to that of an attack which maximises this divergence. Passes an example: one
// forward for the prediction that the attack moves away from, `steps` of attack, two of training.
#include <ATen/core/grad_mode.h>

#include "train/strategy.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

class Trades : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const StrategyOptions& options = context.options.strategy;
    const AttackModeGuard mode(context);
    at::Tensor natural;
    {
      const at::NoGradGuard no_grad;
      natural = counted_forward(context, context.images);
    }
    const auto divergence = [&](const at::Tensor& logits) { return kl_divergence(natural, logits).sum(); };
    x_ = near_images(context);
    for (int64_t i = 0; i < options.steps; ++i)
      x_ = ascend(context, x_, input_gradient(context, x_, divergence), options.alpha);
  }

  StepOutput loss(StepContext& context) override {
    const at::Tensor natural = counted_forward(context, context.images);
    const at::Tensor adversarial = counted_forward(context, x_);
    return {.loss = trades_loss(natural, adversarial, context.labels, context.options.strategy.beta,
                                context.options.label_smoothing),
            .logits = adversarial.detach(),
            .labels = context.labels};
  }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_trades() {
  return std::make_unique<Trades>();
}

}  // namespace selfgrad
