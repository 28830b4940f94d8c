// Free adversarial training (Shafahi et al. 2019, arXiv 1904.12843, algorithm 1): the same images for
// `replays` steps in a row, and each step's one backward moves the weights and the perturbation. The
// perturbation belongs to the place in the batch and goes on to the images that come next. `replays` passes
// an example.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "train/strategy.h"

namespace selfgrad {
namespace {

class Free : public Strategy {
 public:
  Free(const TrainOptions& options, const ImageShape& shape)
      : replays_(options.strategy.replays),
        batch_size_(options.batch_size),
        delta_(at::zeros(
            {options.world->rows(options.batch_size), shape.channels, shape.height, shape.width},
            at::TensorOptions().device(options.device).memory_format(at::MemoryFormat::ChannelsLast))) {}

  int64_t replays() const override { return replays_; }

  // An epoch's last batch may be smaller: it uses and moves the first rows.
  void prepare(StepContext& context) override {
    used_ = delta_.narrow(0, 0, context.images.size(0)).clone().requires_grad_();
  }

  StepOutput loss(StepContext& context) override {
    return training_forward(context, (context.images + used_).clamp(0, 1));
  }

  void commit(StepContext& context) override {
    const at::NoGradGuard no_grad;
    const Threat& threat = context.options.threat;
    const at::Tensor step = context.options.strategy.alpha * steepest_direction(threat.norm, used_.grad());
    delta_.narrow(0, 0, used_.size(0)).copy_(into_ball(threat, used_ + step));
  }

  std::vector<SharedRows> rows() const override { return {{batch_size_, {{"free.delta", delta_}}}}; }

 private:
  int64_t replays_, batch_size_;
  at::Tensor delta_;  // (batch, C, H, W), this rank's rows
  at::Tensor used_;   // of the step under way: a leaf that takes the backward's gradient
};

}  // namespace

std::unique_ptr<Strategy> make_free(const TrainOptions& options, const ImageShape& shape) {
  return std::make_unique<Free>(options, shape);
}

}  // namespace selfgrad
