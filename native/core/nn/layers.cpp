#include "nn/layers.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "error.h"
#include "nn/parameter_budget.h"
#include "nn/rank_statistics.h"
#include "tensor/philox.h"

namespace selfgrad {

Activation activation_by_name(const std::string& name) {
  if (name == "relu") return Activation::kRelu;
  if (name == "silu") return Activation::kSilu;
  throw Error("ERR_OPTION", "Expected relu or silu for model.activation but received " + name + ".");
}

at::Tensor activate(Activation activation, const at::Tensor& x) {
  return activation == Activation::kRelu ? at::relu(x) : at::silu(x);
}

Conv2d::Conv2d(const ConvOptions& options)
    : stride_(options.stride), padding_(options.padding), groups_(options.groups) {
  const int64_t in = options.in / options.groups;
  spend_parameters(options.out, in * options.kernel * options.kernel);
  weight_ = register_parameter("weight", at::empty({options.out, in, options.kernel, options.kernel}));
  if (options.bias) bias_ = register_parameter("bias", at::empty({options.out}));
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  // LibTorch 2.11's oneDNN fills channels up to 16 in the weights' gradient of a strided 1x1 convolution and
  // then writes past its workspace: 8 channels of 64x64 end the process. Without a stride it does not.
  const bool skips = stride_ > 1 && padding_ == 0 && weight_.size(2) == 1 && weight_.size(1) % 16 != 0;
  if (skips && x.is_cpu()) {
    const int64_t stride = 1;
    const at::Tensor taken = at::slice(at::slice(x, 2, 0, {}, stride_), 3, 0, {}, stride_);
    return at::conv2d(taken.contiguous(at::MemoryFormat::ChannelsLast), weight_, bias_, {stride, stride},
                      {padding_, padding_}, {1, 1}, groups_);
  }
  return at::conv2d(x, weight_, bias_, {stride_, stride_}, {padding_, padding_}, {1, 1}, groups_);
}

LayerCost Conv2d::cost(const std::string& name, int64_t height, int64_t width) const {
  const int64_t kernel = weight_.size(2);
  const int64_t rows = (height + 2 * padding_ - kernel) / stride_ + 1;
  const int64_t columns = (width + 2 * padding_ - kernel) / stride_ + 1;
  return {.name = name,
          .kind = "conv",
          .shape = {weight_.size(0), rows, columns},
          .parameters = weight_.numel() + (bias_.defined() ? bias_.numel() : 0),
          .multiply_adds = multiply_adds(rows * columns)};
}

BatchNorm2d::BatchNorm2d(int64_t channels) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  running_mean_ = register_buffer("running_mean", at::zeros({channels}));
  running_var_ = register_buffer("running_var", at::ones({channels}));
  num_batches_tracked_ = register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
}

at::Tensor BatchNorm2d::forward(const at::Tensor& x) {
  if (is_training() && world_) {
    const RankStatistics statistics = rank_statistics(x, world_);
    update_running(statistics.mean.detach(), statistics.variance.detach(), statistics.pixels);
    return normalized(x, weight_, bias_, statistics);
  }
  if (is_training()) num_batches_tracked_.add_(1);
  return batch_norm(x, weight_, bias_, running_mean_, running_var_, is_training());
}

at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const at::Tensor& running_mean, const at::Tensor& running_var, bool training) {
  return at::batch_norm(x, weight, bias, running_mean, running_var, training, BatchNorm2d::kMomentum,
                        BatchNorm2d::kEps, /*cudnn_enabled=*/true);
}

void BatchNorm2d::update_running(const at::Tensor& mean, const at::Tensor& variance,
                                 const at::Tensor& pixels) {
  const at::NoGradGuard no_grad;
  num_batches_tracked_.add_(1);
  running_mean_.mul_(1 - kMomentum).add_(mean, kMomentum);
  running_var_.mul_(1 - kMomentum).add_(variance * (pixels / (pixels - 1).clamp_min(1)), kMomentum);
}

void BatchNorm2d::update_running(const at::Tensor& mean, const at::Tensor& variance, int64_t pixels) {
  const at::NoGradGuard no_grad;
  num_batches_tracked_.add_(1);
  const auto n = static_cast<double>(pixels);
  running_mean_.mul_(1 - kMomentum).add_(mean, kMomentum);
  running_var_.mul_(1 - kMomentum).add_(variance, kMomentum * n / std::max(1.0, n - 1));
}

LayerCost BatchNorm2d::cost(const std::string& name, int64_t height, int64_t width) const {
  const int64_t channels = weight_.size(0);
  return {.name = name,
          .kind = "norm-activation",
          .shape = {channels, height, width},
          .parameters = 2 * channels};
}

Linear::Linear(int64_t in, int64_t out) {
  spend_parameters(out, in);
  weight_ = register_parameter("weight", at::empty({out, in}));
  bias_ = register_parameter("bias", at::empty({out}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

LayerCost Linear::cost(const std::string& name) const {
  return {.name = name,
          .kind = "linear",
          .shape = {weight_.size(0)},
          .parameters = weight_.numel() + bias_.numel(),
          .multiply_adds = weight_.numel()};
}

at::Tensor max_pool(const at::Tensor& x, const Pooling& pooling) {
  const auto [kernel, stride, padding] = pooling;
  return at::max_pool2d(x, {kernel, kernel}, {stride, stride}, {padding, padding});
}

at::Tensor average_pool(const at::Tensor& x, const Pooling& pooling) {
  const auto [kernel, stride, padding] = pooling;
  return at::avg_pool2d(x, {kernel, kernel}, {stride, stride}, {padding, padding});
}

void initialize_parameters(torch::nn::Module& root, uint64_t seed) {
  const at::NoGradGuard no_grad;
  uint32_t place = 0;
  double bound = 0;  // of the layer whose weight came last: its bias follows
  for (const auto& item : root.named_parameters()) {
    at::Tensor parameter = item.value();
    const uint32_t index = place++;
    if (parameter.dim() >= 2) {
      const int64_t fan_in = parameter.numel() / parameter.size(0);
      bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    } else if (item.key().ends_with("weight")) {
      bound = 0;  // BatchNorm keeps its ones and zeros
    }
    if (bound == 0) continue;
    const at::Tensor drawn = uniform({.seed = seed, .purpose = Purpose::kInit, .round = 0},
                                     at::zeros({1}, at::kLong).fill_(static_cast<int64_t>(index)),
                                     parameter.sizes(), -bound, bound);
    parameter.copy_(drawn.view(parameter.sizes()));
  }
}

}  // namespace selfgrad
