// Adversarial training with projected gradient descent (Madry et al. 2018, arXiv 1706.06083, eq. 2.1 with the
// inner maximum found by `steps` steps). steps + 1 passes an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class PgdTraining : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const StrategyOptions& options = context.options.strategy;
    const AttackModeGuard mode(context);
    x_ = options.random_start ? random_images(context) : context.images;
    for (int64_t i = 0; i < options.steps; ++i)
      x_ = ascend(context, x_, input_gradient(context, x_), options.alpha);
  }

  StepOutput loss(StepContext& context) override { return training_forward(context, x_); }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_pgd_training() {
  return std::make_unique<PgdTraining>();
}

}  // namespace selfgrad
