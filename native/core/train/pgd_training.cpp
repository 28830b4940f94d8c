// Adversarial training with projected gradient descent (Madry et al. 2018, arXiv 1706.06083, eq. 2.1 with the
// inner maximum found by `steps` steps). steps + 1 passes an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class PgdTraining : public Strategy {
 public:
  void prepare(StepContext& context) override {
    const bool random = context.options.strategy.random_start;
    x_ = attacked_images(context, random ? random_images(context) : context.images);
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
