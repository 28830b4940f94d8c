// The block of `bottleneck` in a list of layers.
#pragma once

#include <memory>

#include "nn/layers.h"
#include "nn/residual_block.h"

namespace selfgrad {

/// BatchNorm, activation and convolution, three times (He et al. 2016, arXiv 1603.05027): 1x1 down to a
/// quarter of the channels, 3x3 with the stride, 1x1 up. Where size or channels change, the shortcut is a 1x1
/// convolution behind the first activation, else the identity.
class PreActBottleneck : public ResidualBlock {
 public:
  /// Of the channels of its output.
  static constexpr int64_t kReduction = 4;
  PreActBottleneck(int64_t in, int64_t out, int64_t stride, Activation activation);

  at::Tensor forward(const at::Tensor& x) override;
  int64_t append_to(LayerGraph& graph, int64_t x) const override;

 private:
  Activation activation_;
  std::shared_ptr<BatchNorm2d> bn1_, bn2_, bn3_;
  std::shared_ptr<Conv2d> conv1_, conv2_, conv3_, projection_;
};

}  // namespace selfgrad
