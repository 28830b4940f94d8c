// MART (Wang et al. 2020, "Improving adversarial robustness requires revisiting misclassified examples",
// algorithm 1): a boosted cross-entropy at the attacked image, and a divergence from the image's prediction
// that weighs most where the image itself is misclassified. steps + 2 passes an example.
#include "train/strategy.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

class Mart : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const StrategyOptions& options = context.options.strategy;
    const AttackModeGuard mode(context);
    x_ = near_images(context);
    for (int64_t i = 0; i < options.steps; ++i)
      x_ = ascend(context, x_, input_gradient(context, x_), options.alpha);
  }

  StepOutput loss(StepContext& context) override {
    const at::Tensor natural = counted_forward(context, context.images);
    const at::Tensor adversarial = counted_forward(context, x_);
    return {.loss = mart_loss(natural, adversarial, context.labels, context.options.strategy.beta,
                              context.options.label_smoothing),
            .logits = adversarial.detach(),
            .labels = context.labels};
  }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_mart() {
  return std::make_unique<Mart>();
}

}  // namespace selfgrad
