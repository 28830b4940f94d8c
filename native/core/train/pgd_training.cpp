// Adversarial training with projected gradient descent (Madry et al. 2018, arXiv 1706.06083, eq. 2.1 with the
// inner maximum found by `steps` steps). steps + 1 passes an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class PgdTraining : public Strategy {
 public:
  StepOutput step(StepContext& context) override {
    const StrategyOptions& options = context.options.strategy;
    at::Tensor x = options.random_start ? random_images(context) : context.images;
    {
      const AttackModeGuard mode(context);
      for (int64_t i = 0; i < options.steps; ++i)
        x = ascend(context, x, input_gradient(context, x), options.alpha);
    }
    return training_forward(context, x);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_pgd_training() {
  return std::make_unique<PgdTraining>();
}

}  // namespace selfgrad
