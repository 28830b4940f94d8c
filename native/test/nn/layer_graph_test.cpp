// The layers that bounds are propagated through are the network, and their transposes are transposes.
#include "nn/layer_graph.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>

#include <cmath>

#include "stability/layers.h"
#include "stability/networks.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

TEST(LayerGraph, ComputesWhatTheNetworkComputes) {
  const at::NoGradGuard no_grad;
  for (const Scene& scene : scenes()) {
    const at::Tensor expected = scene.network->forward(scene.images);
    const at::Tensor found = logits_of(scene.network->layer_graph(), scene.images.to(at::kDouble));
    EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5 * (1 + expected.abs().max().item<double>()))
        << scene.name;
  }
}

TEST(LayerGraph, ComputesWhatTheNetworkComputesAtOddSizes) {
  const at::NoGradGuard no_grad;
  for (const std::string architecture :
       {"small-cnn", "preact-resnet", "preact-resnet-plain", "wide-resnet", "layers", "grouped"}) {
    NetworkOptions options = tiny_options(architecture, "relu");
    options.shape = {1, 11, 7};
    const auto network = random_network(options);
    const at::Tensor images = random_tensor(5, {3, 1, 11, 7}, 0, 1);
    const at::Tensor found = logits_of(network->layer_graph(), images.to(at::kDouble));
    EXPECT_LT((found - network->forward(images)).abs().max().item<double>(), 1e-4) << architecture;
  }
}

TEST(LayerGraph, TransposesAreAdjoint) {
  for (const auto& [architecture, odd] : {std::pair{"preact-resnet", false},
                                          {"preact-resnet", true},
                                          {"layers", false},
                                          {"layers", true},
                                          {"grouped", false},
                                          {"grouped", true}}) {
    NetworkOptions options = tiny_options(architecture, "relu");
    if (odd) options.shape = {1, 11, 7};
    const auto network = random_network(options);
    const LayerGraph graph = network->layer_graph();
    const at::NoGradGuard no_grad;
    const auto values = values_of(
        graph, random_tensor(6, {2, 1, options.shape.height, options.shape.width}, 0, 1).to(at::kDouble));
    for (size_t place = 1; place < graph.layers().size(); ++place) {
      const Layer& layer = graph.layers()[place];
      if (layer.kind == Layer::Kind::kActivation || layer.kind == Layer::Kind::kAdd ||
          layer.kind == Layer::Kind::kMaxPool)
        continue;
      const at::Tensor& x = values[layer.input];
      const at::Tensor y = random_tensor(7 + place, values[place].sizes().vec(), -1, 1).to(at::kDouble);
      const at::Tensor constant = apply(layer, x - x);
      const double forward = ((apply(layer, x) - constant) * y).sum().item<double>();
      const double backward = (x * apply_transposed(layer, y, x.sizes().slice(1))).sum().item<double>();
      EXPECT_NEAR(forward, backward, 1e-9 * (1 + std::abs(forward))) << "layer " << place;
    }
  }
}

}  // namespace
}  // namespace selfgrad
