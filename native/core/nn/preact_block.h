// The block of the residual networks and of `residual` in a list of layers.
#pragma once

#include <memory>
#include <string>

#include "nn/layer_cost.h"
#include "nn/layers.h"
#include "nn/residual_block.h"

namespace selfgrad {

/// BatchNorm, activation and 3x3 convolution, twice (He et al. 2016, arXiv 1603.05027, figure 4e). Where size
/// or channels change, the shortcut is a 1x1 convolution; it starts behind the first activation, an identity
/// before it.
class PreActBlock : public ResidualBlock {
 public:
  /// Where the projected shortcut differs from that. `projection` is its name; a dot stands for a nested
  /// module.
  struct Shortcut {
    std::string projection = "shortcut.0";
    bool projects_input = false;  ///< starts before the first activation
  };

  PreActBlock(int64_t in, int64_t out, int64_t stride, Activation activation, const Shortcut& shortcut);
  PreActBlock(int64_t in, int64_t out, int64_t stride, Activation activation)
      : PreActBlock(in, out, stride, activation, Shortcut()) {}

  at::Tensor forward(const at::Tensor& x) override;
  int64_t append_to(LayerGraph& graph, int64_t x) const override;

  /// For an input of this height and width.
  LayerCost cost(const std::string& name, int64_t height, int64_t width) const;

 private:
  Activation activation_;
  int64_t stride_;
  bool projects_input_;
  std::shared_ptr<BatchNorm2d> bn1_, bn2_;
  std::shared_ptr<Conv2d> conv1_, conv2_, projection_;
};

}  // namespace selfgrad
