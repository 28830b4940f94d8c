#include "nn/preact_block.h"

#include <ATen/TensorOperators.h>

#include "nn/norm_activation.h"

namespace selfgrad {

PreActBlock::PreActBlock(int64_t in, int64_t out, int64_t stride, Activation activation,
                         const Shortcut& shortcut)
    : activation_(activation), stride_(stride), projects_input_(shortcut.projects_input) {
  bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
  conv1_ =
      register_module("conv1", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = stride}));
  bn2_ = register_module("bn2", std::make_shared<BatchNorm2d>(out));
  conv2_ = register_module("conv2", std::make_shared<Conv2d>(ConvOptions{.in = out, .out = out}));
  if (stride == 1 && in == out) return;
  projection_ = std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = 1, .stride = stride, .padding = 0});
  const std::string& projection = shortcut.projection;
  const auto dot = projection.find('.');
  if (dot == std::string::npos) {
    register_module(projection, projection_);
  } else {
    register_module(projection.substr(0, dot), std::make_shared<Group>())
        ->register_module(projection.substr(dot + 1), projection_);
  }
}

at::Tensor PreActBlock::forward(const at::Tensor& x) {
  const at::Tensor active = norm_activation(*bn1_, activation_, x);
  const at::Tensor inner = norm_activation(*bn2_, activation_, conv1_->forward(active));
  return conv2_->forward(inner) + (projection_ ? projection_->forward(projects_input_ ? x : active) : x);
}

int64_t PreActBlock::append_to(LayerGraph& graph, int64_t x) const {
  const int64_t active = graph.activation(graph.add(x, *bn1_), activation_);
  const int64_t inner = graph.activation(graph.add(graph.add(active, *conv1_), *bn2_), activation_);
  return graph.sum(graph.add(inner, *conv2_),
                   projection_ ? graph.add(projects_input_ ? x : active, *projection_) : x);
}

LayerCost PreActBlock::cost(const std::string& name, int64_t height, int64_t width) const {
  // A 3x3 convolution of padding 1 and a 1x1 of none both leave every stride-th pixel, rounded up.
  const int64_t rows = (height + stride_ - 1) / stride_, columns = (width + stride_ - 1) / stride_;
  LayerCost cost{.name = name, .kind = "residual", .shape = {conv2_->weight().size(0), rows, columns}};
  for (const auto& parameter : parameters())
    cost.parameters += parameter.numel();
  for (const auto& conv : {conv1_, conv2_, projection_})
    if (conv) cost.multiply_adds += conv->multiply_adds(rows * columns);
  return cost;
}

}  // namespace selfgrad
