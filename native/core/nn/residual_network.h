// What PreAct ResNet and Wide ResNet share: their arithmetic. They differ in widths and in PyTorch's names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/network.h"
#include "nn/preact_block.h"

namespace selfgrad {

/// Names of parameters as the PyTorch code of an architecture has them; dots stand for nested modules.
struct ResidualNames {
  std::string stage;                    ///< before a stage's number: `layer`, `block`
  std::string blocks;                   ///< between a stage and its blocks: empty, or `layer`
  std::string norm;                     ///< BatchNorm behind the last stage; empty: none, no activation
  std::string head;                     ///< the linear layer
  PreActBlock::Shortcut shortcut = {};  ///< of the blocks
};

/// A 3x3 stem, stages of pre-activation blocks of which each but the first halves the size, BatchNorm, the
/// mean over pixels and a linear layer.
class ResidualNetwork : public Network {
 public:
  /// `widths`: channels of each of the stages; as many as options.depths.
  ResidualNetwork(const NetworkOptions& options, int64_t stem_width, const std::vector<int64_t>& widths,
                  const ResidualNames& names);
  std::vector<LayerCost> costs() const override;

 private:
  at::Tensor body(const at::Tensor& x) override;
  void append_body(LayerGraph& graph, int64_t x) const override;
  std::string block_name(size_t stage, size_t block) const;

  ResidualNames names_;
  std::shared_ptr<Conv2d> stem_;
  std::vector<std::vector<std::shared_ptr<PreActBlock>>> stages_;
  std::shared_ptr<BatchNorm2d> norm_;  ///< may be null
  std::shared_ptr<Linear> head_;
};

}  // namespace selfgrad
