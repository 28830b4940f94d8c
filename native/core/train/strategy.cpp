#include "train/strategy.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>

#include "error.h"
#include "tensor/upload.h"

namespace selfgrad {

void StepContext::check_stop() const {
  if (stop.load(std::memory_order_relaxed)) throw Cancelled();
}

DrawKey StepContext::start_key() const {
  return {.seed = options.seed, .purpose = Purpose::kTrainStart, .round = static_cast<uint32_t>(epoch)};
}

std::string memory_folder(const TrainOptions& options) {
  if (!options.map_memory) return "";
  const auto folder = std::filesystem::path(options.checkpoint_path).parent_path();
  return folder.empty() ? std::filesystem::temp_directory_path().string() : folder.string();
}

namespace {

/// The precision of a forward, and its place in the count.
class CountedPass {
 public:
  CountedPass(StepContext& context, const at::Tensor& x)
      : precision_(context.options.precision, context.options.device.type()) {
    context.check_stop();
    context.passes += {.forward = x.size(0), .backward = at::GradMode::is_enabled() ? x.size(0) : 0};
  }

 private:
  PrecisionGuard precision_;
};

}  // namespace

at::Tensor counted_forward(StepContext& context, const at::Tensor& x) {
  const CountedPass pass(context, x);
  return context.network.forward(x);
}

at::Tensor attacked_logits(StepContext& context, const at::Tensor& x) {
  const CountedPass pass(context, x);
  return context.network.logits(x, context.stop);
}

StepOutput training_forward(StepContext& context, const at::Tensor& x) {
  const at::Tensor logits = counted_forward(context, x);
  return {.loss = context.share.weights * smoothed_cross_entropy(logits, context.labels,
                                                                 context.options.label_smoothing,
                                                                 context.options.class_weights),
          .logits = logits.detach(),
          .labels = context.labels};
}

StepOutput paired_forward(StepContext& context, const at::Tensor& x, PairedLoss* loss) {
  const at::Tensor natural = counted_forward(context, context.images);
  const at::Tensor adversarial = counted_forward(context, x);
  return {.loss = loss(natural, adversarial, context.labels, context.options.strategy.beta,
                       context.options.label_smoothing, context.options.class_weights, context.share),
          .logits = adversarial.detach(),
          .labels = context.labels};
}

at::Tensor input_gradient(StepContext& context, const at::Tensor& x, const AttackedLoss& loss) {
  const at::Tensor input = x.detach().requires_grad_();
  const at::Tensor logits = attacked_logits(context, input);
  const at::Tensor value =
      loss ? loss(logits) : at::cross_entropy_loss(logits, context.labels, {}, at::Reduction::Sum);
  return torch::autograd::grad({value}, {input})[0];
}

at::Tensor start_noise(const StepContext& context, double share) {
  const Threat& threat = context.options.threat;
  return random_start({threat.norm, threat.eps * share}, context.start_key(), context.indices,
                      context.images.sizes().slice(1), context.images.device());
}

at::Tensor random_images(const StepContext& context) {
  return random_point(context.options.threat, context.start_key(), context.indices, context.images);
}

at::Tensor near_images(const StepContext& context) {
  const at::Tensor draws = upload(
      normal(context.start_key(), context.indices, context.images.sizes().slice(1)), context.images.device());
  return project(context.options.threat, context.images, context.images + 0.001 * draws);
}

at::Tensor ascend(const StepContext& context, const at::Tensor& x, const at::Tensor& gradient, double alpha) {
  const at::NoGradGuard no_grad;
  return projected_step(context.options.threat, context.images, x, gradient, alpha);
}

at::Tensor attacked_images(StepContext& context, const at::Tensor& start, const AttackedLoss& loss) {
  const AttackModeGuard mode(context);
  const StrategyOptions& options = context.options.strategy;
  at::Tensor x = start;
  for (int64_t i = 0; i < options.steps; ++i)
    x = ascend(context, x, input_gradient(context, x, loss), options.alpha);
  return x;
}

AttackModeGuard::AttackModeGuard(StepContext& context) : context_(context) {
  if (context_.options.strategy.attack_in_eval) context_.network.set_batch_norm_training(false);
}

AttackModeGuard::~AttackModeGuard() {
  if (context_.options.strategy.attack_in_eval) context_.network.set_batch_norm_training(true);
}

std::unique_ptr<Strategy> make_strategy(const TrainOptions& options, int64_t count, const ImageShape& shape,
                                        int64_t classes) {
  const std::string& name = options.strategy.name;
  if (name == "standard") return make_standard();
  if (name == "pgd") return make_pgd_training();
  if (name == "fgsm-rs") return make_fgsm_rs();
  if (name == "n-fgsm") return make_n_fgsm();
  if (name == "free") return make_free(options, shape);
  if (name == "gradalign") return make_gradalign();
  if (name == "atta") return make_atta(options, count, shape);
  if (name == "trades") return make_trades();
  if (name == "mart") return make_mart();
  if (name == "self-gradient") return make_self_gradient(options, count, shape, classes);
  throw Error("ERR_OPTION",
              "Expected standard, pgd, fgsm-rs, n-fgsm, free, gradalign, atta, trades, mart or self-gradient "
              "for train.strategy but received " +
                  name + ".");
}

}  // namespace selfgrad
