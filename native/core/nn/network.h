// The base of every architecture: pixels in [0, 1] go in, float32 logits come out, taps stand at named
// places.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "nn/classifier.h"
#include "nn/frozen_network.h"
#include "nn/layer_graph.h"
#include "nn/layer_list.h"
#include "nn/layers.h"
#include "nn/normalize.h"
#include "nn/tap.h"

namespace selfgrad {

/// Everything that rebuilds a network; saved with its weights.
struct NetworkOptions {
  std::string architecture;     ///< preact-resnet, preact-resnet-plain, wide-resnet, small-cnn, layers
  ImageShape shape;             ///< of the images that it takes
  int64_t classes = 0;          ///< width of the logits
  std::vector<int64_t> depths;  ///< residual blocks per stage; empty for small-cnn and layers
  int64_t width = 0;            ///< channels of the first stage; widening factor of wide-resnet; 0 of layers
  std::string activation = "relu";
  std::vector<std::string> taps;       ///< places of self-gradient taps
  std::vector<double> mean, std;       ///< per channel, [0, 1] units
  uint64_t seed = 0;                   ///< of the initial weights
  std::vector<LayerSpec> layers = {};  ///< of the architecture layers; else empty
};

class Network : public torch::nn::Module, public Classifier {
 public:
  explicit Network(NetworkOptions options);

  /// (N, C, H, W) float32 in [0, 1] -> (N, classes) float32 logits.
  at::Tensor forward(const at::Tensor& images);

  /// As `forward`, without gradients of weights and without taps: where BatchNorm's statistics are constants,
  /// image by image if that is faster.
  at::Tensor logits(const at::Tensor& images, const std::atomic<bool>& stop) override;
  at::Device device() const override { return normalize_->mean().device(); }
  void move_to(at::Device device) override { to(device); }
  bool repeats() const override { return true; }
  ImageShape shape() const override { return options_.shape; }
  int64_t classes() const override { return options_.classes; }
  int64_t parameter_count() const override;

  /// The layers of the network in evaluation mode, from the pixels to the logits, with float64 copies of the
  /// present weights.
  LayerGraph layer_graph() const override;
  std::unique_ptr<WindowForward> window_forward() const override;

  const NetworkOptions& options() const { return options_; }

  /// The tap at `place`. @throws Error("ERR_OPTION") naming the taps that there are.
  SelfGradientTap& tap(const std::string& place);

  /// Whether BatchNorm uses (and updates) batch statistics, whatever the mode of the other modules.
  void set_batch_norm_training(bool training);
  /// Whether any does.
  bool batch_norm_is_training() const;
  /// Whose batches BatchNorm's statistics are taken over: all ranks' of this world; null: this process's.
  void synchronize_batch_norm(const WorldPtr& world);

  /// Floating-point operations of one image's forward pass: the convolutions and linear layers, where a
  /// multiply-add counts 2. A backward to the image costs as much, one to the weights as much again.
  int64_t flops() const;

  /// The layers that have weights, or every entry of `options().layers`, from the pixels to the logits.
  virtual std::vector<LayerCost> costs() const = 0;

  /// Parameters and buffers under their PyTorch names, in declaration order; shared, not copied.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 protected:
  virtual at::Tensor body(const at::Tensor& x) = 0;
  /// Appends the layers of `body` behind the layer at `x`; the last one gives the logits.
  virtual void append_body(LayerGraph& graph, int64_t x) const = 0;
  /// To be called by `body` at each place where a tap may stand.
  at::Tensor tapped(const std::string& place, const at::Tensor& x);
  Activation activation() const { return activation_; }

 private:
  friend std::shared_ptr<Network> make_network(const NetworkOptions& options);
  NetworkOptions options_;
  Activation activation_;
  std::shared_ptr<Normalize> normalize_;
  std::map<std::string, std::shared_ptr<SelfGradientTap>> taps_;

  /// The present weights frozen, null where that does not fit; made anew when one of them has changed, by the
  /// versions that every operation of LibTorch counts.
  std::shared_ptr<const FrozenNetwork> frozen();
  std::mutex frozen_mutex_;
  std::shared_ptr<const FrozenNetwork> frozen_;
  std::vector<std::pair<const void*, uint32_t>> frozen_versions_;
};

/// Builds the architecture by name with freshly drawn weights, channels-last, in training mode.
/// @throws Error("ERR_OPTION") for an unknown name, depths, width, layers or tap place that it cannot have.
std::shared_ptr<Network> make_network(const NetworkOptions& options);

/// What a network of these options would cost, its shapes checked; no weight is drawn.
/// @throws as make_network
std::vector<LayerCost> network_costs(const NetworkOptions& options);

/// Evaluates a network in evaluation mode for its lifetime and restores the mode that it found.
class EvalModeGuard {
 public:
  explicit EvalModeGuard(Network& network) : network_(network), was_training_(network.is_training()) {
    network_.eval();
  }
  ~EvalModeGuard() { network_.train(was_training_); }
  EvalModeGuard(const EvalModeGuard&) = delete;
  EvalModeGuard& operator=(const EvalModeGuard&) = delete;

 private:
  Network& network_;
  bool was_training_;
};

}  // namespace selfgrad
