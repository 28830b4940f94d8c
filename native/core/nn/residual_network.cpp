#include "nn/residual_network.h"

#include <ATen/ops/mean.h>

#include "nn/norm_activation.h"
#include "nn/preact_block.h"

namespace selfgrad {

ResidualNetwork::ResidualNetwork(const NetworkOptions& options, int64_t stem_width,
                                 const std::vector<int64_t>& widths, const ResidualNames& names)
    : Network(options), names_(names) {
  stem_ = register_module(
      "conv1", std::make_shared<Conv2d>(ConvOptions{.in = options.shape.channels, .out = stem_width}));
  int64_t in = stem_width;
  for (size_t s = 0; s < widths.size(); ++s) {
    auto place = register_module(names.stage + std::to_string(s + 1), std::make_shared<Group>());
    if (!names.blocks.empty()) place = place->register_module(names.blocks, std::make_shared<Group>());
    std::vector<std::shared_ptr<PreActBlock>> blocks;
    for (int64_t b = 0; b < options.depths[s]; ++b) {
      const int64_t stride = s > 0 && b == 0 ? 2 : 1;
      blocks.push_back(place->register_module(
          std::to_string(b),
          std::make_shared<PreActBlock>(in, widths[s], stride, activation(), names.shortcut)));
      in = widths[s];
    }
    stages_.push_back(std::move(blocks));
  }
  if (!names.norm.empty()) norm_ = register_module(names.norm, std::make_shared<BatchNorm2d>(in));
  head_ = register_module(names.head, std::make_shared<Linear>(in, options.classes));
}

std::vector<LayerCost> ResidualNetwork::costs() const {
  int64_t height = options().shape.height, width = options().shape.width;
  std::vector<LayerCost> costs{stem_->cost("conv1", height, width)};
  for (size_t s = 0; s < stages_.size(); ++s) {
    for (size_t b = 0; b < stages_[s].size(); ++b) {
      costs.push_back(stages_[s][b]->cost(block_name(s, b), height, width));
      height = costs.back().shape[1];
      width = costs.back().shape[2];
    }
  }
  if (norm_) costs.push_back(norm_->cost(names_.norm, height, width));
  costs.push_back(head_->cost(names_.head));
  return costs;
}

std::string ResidualNetwork::block_name(size_t stage, size_t block) const {
  return names_.stage + std::to_string(stage + 1) + "." + (names_.blocks.empty() ? "" : names_.blocks + ".") +
         std::to_string(block);
}

at::Tensor ResidualNetwork::body(const at::Tensor& x) {
  at::Tensor y = tapped("stem", stem_->forward(x));
  for (size_t s = 0; s < stages_.size(); ++s) {
    for (const auto& block : stages_[s])
      y = block->forward(y);
    y = tapped("stage" + std::to_string(s + 1), y);
  }
  if (norm_) y = norm_activation(*norm_, activation(), y);
  return head_->forward(y.mean({2, 3}));
}

void ResidualNetwork::append_body(LayerGraph& graph, int64_t x) const {
  int64_t y = graph.add(x, *stem_);
  for (const auto& stage : stages_)
    for (const auto& block : stage)
      y = block->append_to(graph, y);
  if (norm_) y = graph.activation(graph.add(y, *norm_), activation());
  graph.add(graph.mean(y), *head_);
}

}  // namespace selfgrad
