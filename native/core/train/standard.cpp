// Plain training on clean images: the baseline without robustness. One pass an example.
#include "train/strategy.h"

namespace selfgrad {
namespace {

class Standard : public Strategy {
 public:
  StepOutput loss(StepContext& context) override { return training_forward(context, context.images); }
};

}  // namespace

std::unique_ptr<Strategy> make_standard() {
  return std::make_unique<Standard>();
}

}  // namespace selfgrad
