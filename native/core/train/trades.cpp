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
    const at::Tensor natural = prediction(context);
    x_ = attacked_images(context, near_images(context),
                         [&](const at::Tensor& logits) { return kl_divergence(natural, logits).sum(); });
  }

  StepOutput loss(StepContext& context) override { return paired_forward(context, x_, trades_loss); }

 private:
  // The logits that the attack moves away from.
  static at::Tensor prediction(StepContext& context) {
    const AttackModeGuard mode(context);
    const at::NoGradGuard no_grad;
    return attacked_logits(context, context.images);
  }

  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_trades() {
  return std::make_unique<Trades>();
}

}  // namespace selfgrad
