#include "nn/residual_network.h"

#include <ATen/ops/mean.h>

#include "nn/norm_activation.h"

namespace selfgrad {

// BatchNorm, activation and convolution, twice (He et al. 2016, arXiv 1603.05027, figure 4e). A projected
// shortcut starts behind the first activation, an identity before it, unless `names` says otherwise.
class PreActBlock : public torch::nn::Module {
 public:
  PreActBlock(int64_t in, int64_t out, int64_t stride, Activation activation, const ResidualNames& names)
      : activation_(activation), stride_(stride), projects_input_(names.projects_input) {
    bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = stride}));
    bn2_ = register_module("bn2", std::make_shared<BatchNorm2d>(out));
    conv2_ = register_module("conv2", std::make_shared<Conv2d>(ConvOptions{.in = out, .out = out}));
    if (stride == 1 && in == out) return;
    projection_ = std::make_shared<Conv2d>(
        ConvOptions{.in = in, .out = out, .kernel = 1, .stride = stride, .padding = 0});
    const std::string& projection = names.projection;
    const auto dot = projection.find('.');
    if (dot == std::string::npos) {
      register_module(projection, projection_);
    } else {
      register_module(projection.substr(0, dot), std::make_shared<Group>())
          ->register_module(projection.substr(dot + 1), projection_);
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor active = norm_activation(*bn1_, activation_, x);
    const at::Tensor inner = norm_activation(*bn2_, activation_, conv1_->forward(active));
    return conv2_->forward(inner) + (projection_ ? projection_->forward(projects_input_ ? x : active) : x);
  }

  int64_t stride() const { return stride_; }

  int64_t flops(int64_t pixels) const {
    return conv1_->flops(pixels) + conv2_->flops(pixels) + (projection_ ? projection_->flops(pixels) : 0);
  }

  int64_t append_to(LayerGraph& graph, int64_t x) const {
    const int64_t active = graph.activation(graph.add(x, *bn1_), activation_);
    const int64_t inner = graph.activation(graph.add(graph.add(active, *conv1_), *bn2_), activation_);
    return graph.sum(graph.add(inner, *conv2_),
                     projection_ ? graph.add(projects_input_ ? x : active, *projection_) : x);
  }

 private:
  Activation activation_;
  int64_t stride_;
  bool projects_input_;
  std::shared_ptr<BatchNorm2d> bn1_, bn2_;
  std::shared_ptr<Conv2d> conv1_, conv2_, projection_;
};

ResidualNetwork::ResidualNetwork(const NetworkOptions& options, int64_t stem_width,
                                 const std::vector<int64_t>& widths, const ResidualNames& names)
    : Network(options) {
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
          std::to_string(b), std::make_shared<PreActBlock>(in, widths[s], stride, activation(), names)));
      in = widths[s];
    }
    stages_.push_back(std::move(blocks));
  }
  if (!names.norm.empty()) norm_ = register_module(names.norm, std::make_shared<BatchNorm2d>(in));
  head_ = register_module(names.head, std::make_shared<Linear>(in, options.classes));
}

int64_t ResidualNetwork::flops() const {
  int64_t height = options().shape.height, width = options().shape.width;
  int64_t sum = stem_->flops(height * width) + head_->flops();
  for (const auto& stage : stages_) {
    for (const auto& block : stage) {
      // A 3x3 convolution of padding 1 and a 1x1 of none both leave every stride-th pixel, rounded up.
      height = (height + block->stride() - 1) / block->stride();
      width = (width + block->stride() - 1) / block->stride();
      sum += block->flops(height * width);
    }
  }
  return sum;
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
