// ATTA (Zheng et al. 2020, arXiv 1912.11969, algorithm 1): an image's attack starts where it ended an epoch
// ago, carried through the inverse of the augmentation; every `reset_every` epochs all start afresh. steps +
// 1 passes an example.
#include <ATen/TensorOperators.h>

#include "train/gradient_memory.h"
#include "train/strategy.h"

namespace selfgrad {
namespace {

class Atta : public Strategy {
 public:
  Atta(const TrainOptions& options, int64_t count, const ImageShape& shape)
      : memory_(count, shape, options.threat.eps, memory_folder(options), options.device, options.world) {}

  void prepare(StepContext& context) override {
    x_ = attacked_images(context, starts_afresh(context) ? near_images(context) : remembered(context));
  }

  StepOutput loss(StepContext& context) override { return training_forward(context, x_); }

  void commit(StepContext& context) override {
    if (starts_afresh(context)) memory_.forget(context.indices);
    memory_.write(context.indices, context.transforms, x_ - context.images);
  }

  void will_need(const at::Tensor& indices) const override { memory_.will_need(indices); }

  std::vector<SharedRows> rows() const override { return {{memory_.count(), memory_.rows()}}; }

 private:
  static bool starts_afresh(const StepContext& context) {
    const int64_t every = context.options.strategy.reset_every;
    return every > 0 ? context.epoch % every == 0 : context.epoch == 0;
  }

  at::Tensor remembered(const StepContext& context) const {
    const at::Tensor delta = memory_.read(context.indices, context.transforms).delta;
    return project(context.options.threat, context.images, context.images + delta);
  }

  GradientMemory memory_;
  at::Tensor x_;  // of the step under way
};

}  // namespace

std::unique_ptr<Strategy> make_atta(const TrainOptions& options, int64_t count, const ImageShape& shape) {
  return std::make_unique<Atta>(options, count, shape);
}

}  // namespace selfgrad
