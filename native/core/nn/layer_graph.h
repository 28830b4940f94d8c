// A network in evaluation mode as data: the layers that bounds are propagated through. `forward` of the
// architectures stays the only definition of what a network computes; a test holds the two together.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/layers.h"
#include "nn/normalize.h"

namespace selfgrad {

/// One layer; weights are float64 copies. `input` and `other` are places of earlier layers.
struct Layer {
  enum class Kind {
    kInput,        ///< the image
    kConv,         ///< weight (out, in / groups, k, k), bias (out)
    kLinear,       ///< weight (out, in), bias (out); flattens its input in NCHW order
    kScale,        ///< per channel: weight (C) * x + bias (C)
    kActivation,   ///< relu or silu
    kAdd,          ///< input + other
    kMaxPool,      ///< the largest of each window
    kAveragePool,  ///< the mean of each window, padding counted as zeros
    kMean,         ///< (C, H, W) -> (C), the mean over pixels
  } kind = Kind::kInput;
  int64_t input = -1, other = -1;
  at::Tensor weight, bias;
  int64_t kernel = 1, stride = 1, padding = 0;  ///< of convolutions and pools
  int64_t groups = 1;                           ///< of convolutions
  Activation activation = Activation::kRelu;
};

/// Layers in the order of the forward pass; the first is the image, the last gives the logits. Each method
/// appends a layer that reads the layer at `input` and returns its place.
class LayerGraph {
 public:
  LayerGraph() : layers_(1) {}

  int64_t add(int64_t input, const Conv2d& conv);
  int64_t add(int64_t input, const Linear& linear);
  int64_t add(int64_t input, const BatchNorm2d& norm);
  int64_t add(int64_t input, const Normalize& normalize);
  int64_t activation(int64_t input, Activation activation);
  int64_t sum(int64_t input, int64_t other);
  int64_t max_pool(int64_t input, const Pooling& pooling);
  int64_t average_pool(int64_t input, const Pooling& pooling);
  int64_t mean(int64_t input);

  const std::vector<Layer>& layers() const { return layers_; }

 private:
  int64_t append(Layer layer);
  std::vector<Layer> layers_;
};

/// What a layer with one input and no activation does to a value: (N, *in) -> (N, *out). Affine but for
/// max-pool.
at::Tensor apply(const Layer& layer, const at::Tensor& x);
/// Of an affine one, the same with |weight| and without bias: what it does to a radius.
at::Tensor apply_absolute(const Layer& layer, const at::Tensor& radius);
/// The transpose of its weight: (M, *out) -> (M, *in); `shape` is *in.
at::Tensor apply_transposed(const Layer& layer, const at::Tensor& y, at::IntArrayRef shape);

}  // namespace selfgrad
