// The layers that the architectures are made of. Parameter and buffer names are PyTorch's; initial values are
// drawn by Philox, so they depend on the seed and the parameter's place alone.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "distributed/world.h"
#include "kernels/cpu/table.h"
#include "nn/layer_cost.h"

namespace selfgrad {

enum class Activation { kRelu, kSilu };

/// By name (`relu`, `silu`). @throws Error("ERR_OPTION") for another one.
Activation activation_by_name(const std::string& name);
at::Tensor activate(Activation activation, const at::Tensor& x);
/// What the kernels call it.
inline kernels::Act act_of(Activation activation) {
  return activation == Activation::kRelu ? kernels::Act::kRelu : kernels::Act::kSilu;
}

struct ConvOptions {
  int64_t in = 0, out = 0, kernel = 3, stride = 1, padding = 1;
  int64_t groups = 1;  ///< of channels, each seen by its own share of the output; divides `in` and `out`
  bool bias = false;
};

/// (N, in, H, W) -> (N, out, H', W').
class Conv2d : public torch::nn::Module {
 public:
  explicit Conv2d(const ConvOptions& options);
  at::Tensor forward(const at::Tensor& x) const;
  /// For one image whose output has this many pixels.
  int64_t multiply_adds(int64_t pixels) const { return weight_.numel() * pixels; }
  /// For an input of this height and width.
  LayerCost cost(const std::string& name, int64_t height, int64_t width) const;

  const at::Tensor& weight() const { return weight_; }
  /// Undefined where there is none.
  const at::Tensor& bias() const { return bias_; }
  int64_t stride() const { return stride_; }
  int64_t padding() const { return padding_; }
  int64_t groups() const { return groups_; }

 private:
  int64_t stride_, padding_, groups_;
  at::Tensor weight_, bias_;
};

/// Batch normalisation over (N, H, W) with PyTorch's momentum 0.1 and epsilon 1e-5.
class BatchNorm2d : public torch::nn::Module {
 public:
  static constexpr double kEps = 1e-5;
  static constexpr double kMomentum = 0.1;
  explicit BatchNorm2d(int64_t channels);
  at::Tensor forward(const at::Tensor& x);
  /// Moves the running statistics towards those of a batch of so many pixels, (C), its variance the biased
  /// one.
  void update_running(const at::Tensor& mean, const at::Tensor& variance, int64_t pixels);
  /// As above, with a number that is a tensor, () float64.
  void update_running(const at::Tensor& mean, const at::Tensor& variance, const at::Tensor& pixels);
  /// With the activation behind it, for an input of this height and width.
  LayerCost cost(const std::string& name, int64_t height, int64_t width) const;

  /// Takes the batch's statistics over all ranks of this world from now on; null: over this process alone.
  void synchronize(WorldPtr world) { world_ = std::move(world); }

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }
  const at::Tensor& running_mean() const { return running_mean_; }
  const at::Tensor& running_var() const { return running_var_; }
  const WorldPtr& world() const { return world_; }

 private:
  at::Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
  WorldPtr world_;
};

/// BatchNorm2d's formula: over the batch where `training` (moving the running statistics, where they are
/// defined), else with the running ones.
at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const at::Tensor& running_mean, const at::Tensor& running_var, bool training);

/// (N, in) -> (N, out).
class Linear : public torch::nn::Module {
 public:
  Linear(int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x) const;
  LayerCost cost(const std::string& name) const;

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_, bias_;
};

/// Windows of side `kernel`, `stride` apart.
struct Pooling {
  int64_t kernel = 1, stride = 1, padding = 0;
};

/// The largest of each window, (N, C, H, W) -> (N, C, H', W'); padding is never the largest.
at::Tensor max_pool(const at::Tensor& x, const Pooling& pooling);
/// The mean of each window; padding counts as zeros.
at::Tensor average_pool(const at::Tensor& x, const Pooling& pooling);

/// A bare container, for the dotted names of other modules (`layer1.0.conv1`).
class Group : public torch::nn::Module {};

/// Draws every parameter as PyTorch initialises it by default: uniform in ±1/sqrt(fan-in) for convolutions
/// and linear layers with their biases; BatchNorm weights 1 and biases 0.
void initialize_parameters(torch::nn::Module& root, uint64_t seed);

}  // namespace selfgrad
