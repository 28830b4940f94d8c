// A network made of a list of layers. Its modules are called `layers.0`, `layers.1` …, as in PyTorch's
// nn.Sequential of that name; blocks of a residual or bottleneck entry are `layers.4.0`, `layers.4.1` ….
#include <ATen/ops/mean.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "nn/architectures.h"
#include "nn/norm_activation.h"
#include "nn/preact_block.h"
#include "nn/preact_bottleneck.h"

namespace selfgrad {
namespace {

/// An entry and the modules that it needs.
struct CustomLayer {
  LayerSpec spec;
  std::shared_ptr<Conv2d> conv;
  std::shared_ptr<BatchNorm2d> norm;
  std::shared_ptr<Linear> linear;
  std::vector<std::shared_ptr<ResidualBlock>> blocks;

  Pooling pooling() const { return {spec.kernel, spec.stride, spec.padding}; }
};

class CustomNetwork : public Network {
 public:
  /// `costs` as infer_layers gives them: the list has been checked.
  CustomNetwork(const NetworkOptions& options, std::vector<LayerCost> costs)
      : Network(options), costs_(std::move(costs)) {
    const auto root = register_module("layers", std::make_shared<Group>());
    std::vector<int64_t> input{options.shape.channels, options.shape.height, options.shape.width};
    for (size_t i = 0; i < options.layers.size(); ++i) {
      layers_.push_back(make_layer(*root, std::to_string(i), options.layers[i], input));
      input = costs_[i].shape;
    }
  }

  std::vector<LayerCost> costs() const override { return costs_; }

 private:
  CustomLayer make_layer(Group& root, const std::string& name, const LayerSpec& spec,
                         const std::vector<int64_t>& input) const {
    CustomLayer layer{.spec = spec, .conv = {}, .norm = {}, .linear = {}, .blocks = {}};
    switch (spec.kind) {
      case LayerSpec::Kind::kConv:
        layer.conv =
            root.register_module(name, std::make_shared<Conv2d>(ConvOptions{.in = input[0],
                                                                            .out = spec.channels,
                                                                            .kernel = spec.kernel,
                                                                            .stride = spec.stride,
                                                                            .padding = spec.padding,
                                                                            .groups = spec.groups,
                                                                            .bias = spec.bias == 1}));
        break;
      case LayerSpec::Kind::kNormActivation:
        layer.norm = root.register_module(name, std::make_shared<BatchNorm2d>(input[0]));
        break;
      case LayerSpec::Kind::kLinear: {
        int64_t features = 1;
        for (const int64_t length : input)
          features *= length;
        const int64_t out = spec.features == 0 ? classes() : spec.features;
        layer.linear = root.register_module(name, std::make_shared<Linear>(features, out));
        break;
      }
      case LayerSpec::Kind::kResidual:
      case LayerSpec::Kind::kBottleneck: {
        const auto group = root.register_module(name, std::make_shared<Group>());
        for (int64_t b = 0; b < spec.blocks; ++b) {
          const int64_t in = b == 0 ? input[0] : spec.channels, stride = b == 0 ? spec.stride : 1;
          layer.blocks.push_back(group->register_module(std::to_string(b), make_block(spec, in, stride)));
        }
        break;
      }
      default:
        break;
    }
    return layer;
  }

  std::shared_ptr<ResidualBlock> make_block(const LayerSpec& spec, int64_t in, int64_t stride) const {
    if (spec.kind == LayerSpec::Kind::kBottleneck)
      return std::make_shared<PreActBottleneck>(in, spec.channels, stride, activation());
    return std::make_shared<PreActBlock>(in, spec.channels, stride, activation());
  }

  at::Tensor body(const at::Tensor& x) override {
    at::Tensor y = x;
    for (const CustomLayer& layer : layers_)
      y = forward_layer(layer, y);
    return y;
  }

  at::Tensor forward_layer(const CustomLayer& layer, const at::Tensor& x) {
    switch (layer.spec.kind) {
      case LayerSpec::Kind::kConv:
        return layer.conv->forward(x);
      case LayerSpec::Kind::kNormActivation:
        return norm_activation(*layer.norm, activation(), x);
      case LayerSpec::Kind::kActivation:
        return activate(activation(), x);
      case LayerSpec::Kind::kResidual:
      case LayerSpec::Kind::kBottleneck: {
        at::Tensor y = x;
        for (const auto& block : layer.blocks)
          y = block->forward(y);
        return y;
      }
      case LayerSpec::Kind::kMaxPool:
        return max_pool(x, layer.pooling());
      case LayerSpec::Kind::kAveragePool:
        return average_pool(x, layer.pooling());
      case LayerSpec::Kind::kGlobalAveragePool:
        return x.mean({2, 3});
      case LayerSpec::Kind::kLinear:
        // NCHW order, so that the linear layer reads what PyTorch's flatten would give it.
        return layer.linear->forward(x.contiguous().flatten(1));
      case LayerSpec::Kind::kTap:
        break;
    }
    return tapped(layer.spec.place, x);
  }

  void append_body(LayerGraph& graph, int64_t x) const override {
    for (const CustomLayer& layer : layers_)
      x = append_layer(graph, layer, x);
  }

  int64_t append_layer(LayerGraph& graph, const CustomLayer& layer, int64_t x) const {
    switch (layer.spec.kind) {
      case LayerSpec::Kind::kConv:
        return graph.add(x, *layer.conv);
      case LayerSpec::Kind::kNormActivation:
        return graph.activation(graph.add(x, *layer.norm), activation());
      case LayerSpec::Kind::kActivation:
        return graph.activation(x, activation());
      case LayerSpec::Kind::kResidual:
      case LayerSpec::Kind::kBottleneck:
        for (const auto& block : layer.blocks)
          x = block->append_to(graph, x);
        return x;
      case LayerSpec::Kind::kMaxPool:
        return graph.max_pool(x, layer.pooling());
      case LayerSpec::Kind::kAveragePool:
        return graph.average_pool(x, layer.pooling());
      case LayerSpec::Kind::kGlobalAveragePool:
        return graph.mean(x);
      case LayerSpec::Kind::kLinear:
        return graph.add(x, *layer.linear);
      case LayerSpec::Kind::kTap:
        break;
    }
    return x;
  }

  std::vector<LayerCost> costs_;
  std::vector<CustomLayer> layers_;
};

}  // namespace

std::shared_ptr<Network> make_custom_network(const NetworkOptions& options) {
  if (!options.depths.empty())
    throw Error("ERR_OPTION", "Expected no model.depths for layers, which lists its blocks.");
  return std::make_shared<CustomNetwork>(options,
                                         infer_layers(options.layers, options.shape, options.classes));
}

}  // namespace selfgrad
