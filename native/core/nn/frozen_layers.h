// A network in evaluation mode with as few layers as possible: BatchNorm folded into the convolution before
// it, activations done where their input is made. For logits without gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/layer_graph.h"

namespace selfgrad {

/// One layer; weights are float32, those of convolutions channels-last. `input` and `other` are places of
/// earlier layers.
struct FrozenLayer {
  enum class Kind {
    kInput,        ///< the image
    kConv,         ///< weight (out, in / groups, k, k), bias (out)
    kPointwise,    ///< per channel: weight (C) * x + bias (C); without weights x itself
    kAdd,          ///< input + other
    kMaxPool,      ///< the largest of each window
    kAveragePool,  ///< the mean of each window, padding counted as zeros
    kMean,         ///< (C, H, W) -> (C), the mean over pixels
    kLinear,       ///< weight (out, in), bias (out); flattens its input in NCHW order
  } kind = Kind::kInput;
  int64_t input = -1, other = -1;
  at::Tensor weight, bias;
  int64_t kernel = 1, stride = 1, padding = 0;  ///< of convolutions and pools
  int64_t groups = 1;                           ///< of convolutions
  std::optional<Activation> activation;         ///< of the layer's own value
};

/// The layers in the order of the forward pass; the last gives the logits. Folding is done in float64.
std::vector<FrozenLayer> freeze(const LayerGraph& graph);

/// The value of a layer with one input: x (N, C, H, W) channels-last or (N, C), float32. `padding` stands in
/// for the own one of a convolution or pool.
at::Tensor apply(const FrozenLayer& layer, const at::Tensor& x, int64_t padding);

}  // namespace selfgrad
