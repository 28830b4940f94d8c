#include "nn/preact_bottleneck.h"

#include <ATen/TensorOperators.h>

#include "nn/norm_activation.h"

namespace selfgrad {
namespace {

std::shared_ptr<Conv2d> point_conv(int64_t in, int64_t out, int64_t stride = 1) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = 1, .stride = stride, .padding = 0});
}

}  // namespace

PreActBottleneck::PreActBottleneck(int64_t in, int64_t out, int64_t stride, Activation activation)
    : activation_(activation) {
  const int64_t inner = out / kReduction;
  bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
  conv1_ = register_module("conv1", point_conv(in, inner));
  bn2_ = register_module("bn2", std::make_shared<BatchNorm2d>(inner));
  conv2_ = register_module(
      "conv2", std::make_shared<Conv2d>(ConvOptions{.in = inner, .out = inner, .stride = stride}));
  bn3_ = register_module("bn3", std::make_shared<BatchNorm2d>(inner));
  conv3_ = register_module("conv3", point_conv(inner, out));
  if (stride == 1 && in == out) return;
  projection_ = register_module("shortcut", std::make_shared<Group>())
                    ->register_module("0", point_conv(in, out, stride));
}

at::Tensor PreActBottleneck::forward(const at::Tensor& x) {
  const at::Tensor active = norm_activation(*bn1_, activation_, x);
  at::Tensor y = norm_activation(*bn2_, activation_, conv1_->forward(active));
  y = norm_activation(*bn3_, activation_, conv2_->forward(y));
  return conv3_->forward(y) + (projection_ ? projection_->forward(active) : x);
}

int64_t PreActBottleneck::append_to(LayerGraph& graph, int64_t x) const {
  const auto active = [&](int64_t y, const BatchNorm2d& norm) {
    return graph.activation(graph.add(y, norm), activation_);
  };
  const int64_t first = active(x, *bn1_);
  int64_t y = active(graph.add(first, *conv1_), *bn2_);
  y = active(graph.add(y, *conv2_), *bn3_);
  return graph.sum(graph.add(y, *conv3_), projection_ ? graph.add(first, *projection_) : x);
}

}  // namespace selfgrad
