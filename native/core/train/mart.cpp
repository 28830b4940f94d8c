// MART (Wang et al. 2020, "Improving adversarial robustness requires revisiting misclassified examples",
// algorithm 1): a boosted cross-entropy at the attacked image, and a divergence from the image's prediction
// that weighs most where the image itself is misclassified. steps + 2 passes an example.
#include "train/strategy.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

class Mart : public Strategy {
 public:
  void prepare(StepContext& context) override { x_ = attacked_images(context, near_images(context)); }

  StepOutput loss(StepContext& context) override { return paired_forward(context, x_, mart_loss); }

 private:
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_mart() {
  return std::make_unique<Mart>();
}

}  // namespace selfgrad
