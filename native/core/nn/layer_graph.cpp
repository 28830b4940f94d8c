#include "nn/layer_graph.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/avg_pool2d_backward.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>

#include <optional>
#include <utility>

namespace selfgrad {
namespace {

/// On the CPU.
at::Tensor exact(const at::Tensor& parameter) {
  return parameter.detach().to(at::kCPU, at::kDouble).contiguous();
}

/// (C) as (C, 1, 1).
at::Tensor per_channel(const at::Tensor& values) {
  return values.view({-1, 1, 1});
}

Layer pool_layer(Layer::Kind kind, int64_t input, const Pooling& pooling) {
  return {.kind = kind,
          .input = input,
          .weight = {},
          .bias = {},
          .kernel = pooling.kernel,
          .stride = pooling.stride,
          .padding = pooling.padding};
}

at::Tensor transform(const Layer& layer, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& bias) {
  switch (layer.kind) {
    case Layer::Kind::kConv:
      return at::conv2d(x, weight, bias, {layer.stride, layer.stride}, {layer.padding, layer.padding}, {1, 1},
                        layer.groups);
    case Layer::Kind::kLinear:
      return at::linear(x.contiguous().flatten(1), weight, bias);
    case Layer::Kind::kScale: {
      const at::Tensor scaled = x * per_channel(weight);
      return bias.defined() ? scaled + per_channel(bias) : scaled;
    }
    case Layer::Kind::kMaxPool:
      return max_pool(x, {layer.kernel, layer.stride, layer.padding});
    case Layer::Kind::kAveragePool:
      return average_pool(x, {layer.kernel, layer.stride, layer.padding});
    default:
      return x.mean({2, 3});
  }
}

}  // namespace

int64_t LayerGraph::append(Layer layer) {
  layers_.push_back(std::move(layer));
  return static_cast<int64_t>(layers_.size()) - 1;
}

int64_t LayerGraph::add(int64_t input, const Conv2d& conv) {
  const at::Tensor weight = exact(conv.weight());
  const at::Tensor bias =
      conv.bias().defined() ? exact(conv.bias()) : at::zeros({weight.size(0)}, weight.options());
  return append({.kind = Layer::Kind::kConv,
                 .input = input,
                 .weight = weight,
                 .bias = bias,
                 .kernel = weight.size(2),
                 .stride = conv.stride(),
                 .padding = conv.padding(),
                 .groups = conv.groups()});
}

int64_t LayerGraph::add(int64_t input, const Linear& linear) {
  return append({.kind = Layer::Kind::kLinear,
                 .input = input,
                 .weight = exact(linear.weight()),
                 .bias = exact(linear.bias())});
}

int64_t LayerGraph::add(int64_t input, const BatchNorm2d& norm) {
  const at::Tensor scale = exact(norm.weight()) * at::rsqrt(exact(norm.running_var()) + BatchNorm2d::kEps);
  return append({.kind = Layer::Kind::kScale,
                 .input = input,
                 .weight = scale,
                 .bias = exact(norm.bias()) - exact(norm.running_mean()) * scale});
}

int64_t LayerGraph::add(int64_t input, const Normalize& normalize) {
  const at::Tensor scale = 1.0 / exact(normalize.std()).flatten();
  return append({.kind = Layer::Kind::kScale,
                 .input = input,
                 .weight = scale,
                 .bias = -exact(normalize.mean()).flatten() * scale});
}

int64_t LayerGraph::activation(int64_t input, Activation activation) {
  return append(
      {.kind = Layer::Kind::kActivation, .input = input, .weight = {}, .bias = {}, .activation = activation});
}

int64_t LayerGraph::sum(int64_t input, int64_t other) {
  return append({.kind = Layer::Kind::kAdd, .input = input, .other = other, .weight = {}, .bias = {}});
}

int64_t LayerGraph::max_pool(int64_t input, const Pooling& pooling) {
  return append(pool_layer(Layer::Kind::kMaxPool, input, pooling));
}

int64_t LayerGraph::average_pool(int64_t input, const Pooling& pooling) {
  return append(pool_layer(Layer::Kind::kAveragePool, input, pooling));
}

int64_t LayerGraph::mean(int64_t input) {
  return append({.kind = Layer::Kind::kMean, .input = input, .weight = {}, .bias = {}});
}

at::Tensor apply(const Layer& layer, const at::Tensor& x) {
  return transform(layer, x, layer.weight, layer.bias);
}

at::Tensor apply_absolute(const Layer& layer, const at::Tensor& radius) {
  return transform(layer, radius, layer.weight.defined() ? layer.weight.abs() : at::Tensor(), {});
}

at::Tensor apply_transposed(const Layer& layer, const at::Tensor& y, at::IntArrayRef shape) {
  std::vector<int64_t> sizes{y.size(0)};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  switch (layer.kind) {
    case Layer::Kind::kConv: {
      // A stride that does not divide leaves rows behind that the convolution never read.
      const auto left = [&](int64_t axis) {
        return shape[axis] -
               ((y.size(axis + 1) - 1) * layer.stride - 2 * layer.padding + layer.weight.size(axis + 1));
      };
      return at::conv_transpose2d(y, layer.weight, {}, {layer.stride, layer.stride},
                                  {layer.padding, layer.padding}, {left(1), left(2)}, layer.groups);
    }
    case Layer::Kind::kLinear:
      return at::matmul(y, layer.weight).view(sizes);
    case Layer::Kind::kScale:
      return y * per_channel(layer.weight);
    case Layer::Kind::kAveragePool:
      return at::avg_pool2d_backward(y, at::empty(sizes, y.options()), {layer.kernel, layer.kernel},
                                     {layer.stride, layer.stride}, {layer.padding, layer.padding},
                                     /*ceil_mode=*/false, /*count_include_pad=*/true,
                                     /*divisor_override=*/std::nullopt);
    default:
      return (y / static_cast<double>(shape[1] * shape[2])).unsqueeze(-1).unsqueeze(-1).expand(sizes);
  }
}

}  // namespace selfgrad
