// Self-gradient training, first form: the input tap keeps each image's perturbation across epochs, in the
// frame of the un-augmented image; a visit starts there, takes one fresh step along the tapped gradient,
// trains, and remembers where it ended. Two passes an example. The memory that lives over epochs and its
// inverse augmentation follow ATTA (Zheng et al. 2020, arXiv 1912.11969), with int8 storage and a first start
// of noise.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/autograd.h>

#include "train/gradient_memory.h"
#include "train/strategy.h"

namespace selfgrad {
namespace {

class SelfGradient : public Strategy {
 public:
  SelfGradient(const TrainOptions& options, int64_t count, const ImageShape& shape)
      : memory_(count, shape, options.threat.eps) {}

  StepOutput step(StepContext& context) override {
    const at::Tensor start = project(context.options.threat, context.images,
                                     context.images + remembered(context).to(context.options.device));
    x_ = ascend(context, start, tapped_gradient(context, start), context.options.strategy.alpha);
    return training_forward(context, x_);
  }

  void commit(StepContext& context) override {
    memory_.write(context.indices, context.transforms, (x_ - context.images).cpu());
  }

  NamedTensors state() const override { return memory_.state(); }

 private:
  // What the tap remembers of each image; noise for one that was never visited.
  at::Tensor remembered(const StepContext& context) const {
    at::Tensor delta = memory_.read(context.indices, context.transforms);
    const at::Tensor visited = memory_.visited(context.indices);
    if (visited.all().item<bool>()) return delta;
    const Threat& threat = context.options.threat;
    const at::Tensor noise =
        random_start({threat.norm, threat.eps * context.options.strategy.initial_noise}, context.start_key(),
                     context.indices, context.images.sizes().slice(1));
    return at::where(visited.view({-1, 1, 1, 1}), delta, noise).contiguous(at::MemoryFormat::ChannelsLast);
  }

  // The gradient of the summed loss at the input tap, from one forward and one backward.
  static at::Tensor tapped_gradient(StepContext& context, const at::Tensor& x) {
    context.check_stop();
    const AttackModeGuard mode(context);
    const PrecisionGuard precision(context.options.precision, context.options.device.type());
    SelfGradientTap& tap = context.network.tap("input");
    tap.capture(true);
    const at::Tensor loss =
        at::cross_entropy_loss(context.network.forward(x), context.labels, {}, at::Reduction::Sum);
    context.passes += {.forward = x.size(0), .backward = x.size(0)};
    at::Tensor gradient = torch::autograd::grad({loss}, {tap.activation()})[0];
    tap.capture(false);
    return gradient;
  }

  GradientMemory memory_;
  at::Tensor x_;  // of the step under way, between step and commit
};

}  // namespace

std::unique_ptr<Strategy> make_self_gradient(const TrainOptions& options, int64_t count,
                                             const ImageShape& shape) {
  return std::make_unique<SelfGradient>(options, count, shape);
}

}  // namespace selfgrad
