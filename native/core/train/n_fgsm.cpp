// N-FGSM (de Jorge et al. 2022, arXiv 2202.01181, algorithm 1): one step from an image under noise that is
// stronger than the threat, and no return into the ball; only [0, 1] bounds the result. Two passes an
// example.
#include <ATen/TensorOperators.h>

#include "train/strategy.h"

namespace selfgrad {
namespace {

class NFgsm : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const StrategyOptions& options = context.options.strategy;
    const AttackModeGuard mode(context);
    const at::Tensor start = (context.images + start_noise(context, options.noise)).clamp(0, 1);
    const at::Tensor direction =
        steepest_direction(context.options.threat.norm, input_gradient(context, start));
    x_ = (start + options.alpha * direction).clamp(0, 1);
  }

  StepOutput loss(StepContext& context) override { return training_forward(context, x_); }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_n_fgsm() {
  return std::make_unique<NFgsm>();
}

}  // namespace selfgrad
