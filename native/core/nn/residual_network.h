// What PreAct ResNet and Wide ResNet share: their arithmetic. They differ in widths and in PyTorch's names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/network.h"

namespace selfgrad {

/// Names of parameters as the PyTorch code of an architecture has them; dots stand for nested modules.
struct ResidualNames {
  std::string stage;            ///< before a stage's number: `layer`, `block`
  std::string blocks;           ///< between a stage and its blocks: empty, or `layer`
  std::string projection;       ///< a block's shortcut convolution: `shortcut.0`, `convShortcut`
  std::string norm;             ///< the BatchNorm behind the last stage; empty: none, and no activation
  std::string head;             ///< the linear layer
  bool projects_input = false;  ///< projected shortcuts start before the first activation of their block
};

class PreActBlock;

/// A 3x3 stem, stages of pre-activation blocks of which each but the first halves the size, BatchNorm, the
/// mean over pixels and a linear layer.
class ResidualNetwork : public Network {
 public:
  /// `widths`: channels of each of the stages; as many as options.depths.
  ResidualNetwork(const NetworkOptions& options, int64_t stem_width, const std::vector<int64_t>& widths,
                  const ResidualNames& names);
  int64_t flops() const override;

 private:
  at::Tensor body(const at::Tensor& x) override;
  void append_body(LayerGraph& graph, int64_t x) const override;

  std::shared_ptr<Conv2d> stem_;
  std::vector<std::vector<std::shared_ptr<PreActBlock>>> stages_;
  std::shared_ptr<BatchNorm2d> norm_;  ///< may be null
  std::shared_ptr<Linear> head_;
};

}  // namespace selfgrad
