// Fast adversarial training: one signed step from a uniform random start (Wong, Rice & Kolter 2020, arXiv
// 2001.03994, algorithm 3; alpha = 1.25 eps there). Two passes an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class FgsmRs : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const AttackModeGuard mode(context);
    const at::Tensor start = random_images(context);
    x_ = ascend(context, start, input_gradient(context, start), context.options.strategy.alpha);
  }

  StepOutput loss(StepContext& context) override { return training_forward(context, x_); }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_fgsm_rs() {
  return std::make_unique<FgsmRs>();
}

}  // namespace selfgrad
