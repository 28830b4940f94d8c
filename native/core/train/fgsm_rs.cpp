// Fast adversarial training: one signed step from a uniform random start (Wong, Rice & Kolter 2020, arXiv
// 2001.03994, algorithm 3; alpha = 1.25 eps there). Two passes an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class FgsmRs : public Strategy {
 public:
  StepOutput step(StepContext& context) override {
    at::Tensor x = random_images(context);
    {
      const AttackModeGuard mode(context);
      x = ascend(context, x, input_gradient(context, x), context.options.strategy.alpha);
    }
    return training_forward(context, x);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_fgsm_rs() {
  return std::make_unique<FgsmRs>();
}

}  // namespace selfgrad
