// What a stage of a residual network asks of its blocks.
#pragma once

#include <torch/nn/module.h>

#include "nn/layer_graph.h"

namespace selfgrad {

class ResidualBlock : public torch::nn::Module {
 public:
  /// (N, in, H, W) -> (N, out, H / stride, W / stride), rounded up.
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// Appends its layers behind the one at `x`; returns the place of the last.
  virtual int64_t append_to(LayerGraph& graph, int64_t x) const = 0;
};

}  // namespace selfgrad
