#include "nn/frozen_layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>

#include "kernels/cpu/channel_layout.h"

namespace selfgrad {
namespace {

using kernels::ChannelLayout;
using kernels::Span;
using kernels::Table;

std::vector<int64_t> uses_of(const LayerGraph& graph) {
  std::vector<int64_t> uses(graph.layers().size());
  for (const Layer& layer : graph.layers())
    for (const int64_t read : {layer.input, layer.other})
      if (read >= 0) ++uses[read];
  return uses;
}

FrozenLayer frozen(const Layer& layer, const std::vector<int64_t>& places) {
  constexpr auto kind_of = [](Layer::Kind kind) {
    switch (kind) {
      case Layer::Kind::kInput:
        return FrozenLayer::Kind::kInput;
      case Layer::Kind::kConv:
        return FrozenLayer::Kind::kConv;
      case Layer::Kind::kLinear:
        return FrozenLayer::Kind::kLinear;
      case Layer::Kind::kAdd:
        return FrozenLayer::Kind::kAdd;
      case Layer::Kind::kMaxPool:
        return FrozenLayer::Kind::kMaxPool;
      case Layer::Kind::kAveragePool:
        return FrozenLayer::Kind::kAveragePool;
      case Layer::Kind::kMean:
        return FrozenLayer::Kind::kMean;
      default:
        return FrozenLayer::Kind::kPointwise;
    }
  };
  const auto place = [&](int64_t read) { return read < 0 ? -1 : places[read]; };
  FrozenLayer made{.kind = kind_of(layer.kind),
                   .input = place(layer.input),
                   .other = place(layer.other),
                   .weight = layer.weight,
                   .bias = layer.bias,
                   .kernel = layer.kernel,
                   .stride = layer.stride,
                   .padding = layer.padding,
                   .groups = layer.groups,
                   .activation = {}};
  if (layer.kind == Layer::Kind::kActivation) made.activation = layer.activation;
  return made;
}

void to_float32(FrozenLayer& layer) {
  for (at::Tensor* tensor : {&layer.weight, &layer.bias})
    if (tensor->defined()) *tensor = tensor->to(at::kFloat);
  if (layer.kind == FrozenLayer::Kind::kConv)
    layer.weight = layer.weight.contiguous(at::MemoryFormat::ChannelsLast);
}

/// act(weight x + bias) by the fused kernel.
at::Tensor pointwise_activation(const FrozenLayer& layer, const at::Tensor& x) {
  const ChannelLayout layout(x);
  const auto table = [&](const at::Tensor& values) {
    const auto* value = values.const_data_ptr<float>();
    return layout.table([&](int64_t c) { return value[c]; });
  };
  const Table scale = table(layer.weight), shift = table(layer.bias);
  at::Tensor y = at::empty_like(x);
  const kernels::Act act = act_of(*layer.activation);
  layout.for_each([&](int64_t, Span span) {
    kernels::cpu_kernels().norm_activation<float>().forward(
        act, y.mutable_data_ptr<float>(), x.const_data_ptr<float>(), span, scale.data(), shift.data());
  });
  return y;
}

at::Tensor pointwise(const FrozenLayer& layer, const at::Tensor& x) {
  if (!layer.weight.defined()) return layer.activation ? activate(*layer.activation, x) : x;
  if (layer.activation && x.dim() == 4 && x.numel() > 0) return pointwise_activation(layer, x);
  const at::Tensor y = x * layer.weight.view({-1, 1, 1}) + layer.bias.view({-1, 1, 1});
  return layer.activation ? activate(*layer.activation, y) : y;
}

/// Of a value that nothing else reads.
at::Tensor activated(const FrozenLayer& layer, at::Tensor y) {
  if (!layer.activation) return y;
  return *layer.activation == Activation::kRelu ? y.relu_() : at::silu_(y);
}

}  // namespace

std::vector<FrozenLayer> freeze(const LayerGraph& graph) {
  const std::vector<int64_t> uses = uses_of(graph);
  std::vector<FrozenLayer> layers;
  std::vector<int64_t> places;  // of the graph's layers, in `layers`
  for (const Layer& layer : graph.layers()) {
    const bool only_reader = layer.input >= 0 && uses[layer.input] == 1;
    FrozenLayer* before = only_reader ? &layers[places[layer.input]] : nullptr;
    const bool open = before != nullptr && !before->activation;
    if (layer.kind == Layer::Kind::kScale && open && before->kind == FrozenLayer::Kind::kConv) {
      before->weight = before->weight * layer.weight.view({-1, 1, 1, 1});
      before->bias = before->bias * layer.weight + layer.bias;
    } else if (layer.kind == Layer::Kind::kActivation && open &&
               (before->kind == FrozenLayer::Kind::kConv || before->kind == FrozenLayer::Kind::kLinear ||
                before->kind == FrozenLayer::Kind::kPointwise)) {
      before->activation = layer.activation;
    } else {
      layers.push_back(frozen(layer, places));
      places.push_back(static_cast<int64_t>(layers.size()) - 1);
      continue;
    }
    places.push_back(places[layer.input]);
  }
  for (FrozenLayer& layer : layers)
    to_float32(layer);
  return layers;
}

at::Tensor apply(const FrozenLayer& layer, const at::Tensor& x, int64_t padding) {
  switch (layer.kind) {
    case FrozenLayer::Kind::kConv:
      return activated(layer, at::conv2d(x, layer.weight, layer.bias, {layer.stride, layer.stride},
                                         {padding, padding}, {1, 1}, layer.groups));
    case FrozenLayer::Kind::kLinear:
      return activated(layer, at::linear(x.contiguous().flatten(1), layer.weight, layer.bias));
    case FrozenLayer::Kind::kMaxPool:
      return max_pool(x, {layer.kernel, layer.stride, padding});
    case FrozenLayer::Kind::kAveragePool:
      return average_pool(x, {layer.kernel, layer.stride, padding});
    case FrozenLayer::Kind::kMean:
      return x.mean({2, 3});
    default:
      return pointwise(layer, x);
  }
}

}  // namespace selfgrad
