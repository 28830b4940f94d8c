// The layers of a network as a function in float64: the reference that float32 diagnostics are held to.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "nn/layer_graph.h"
#include "stability/batch.h"

namespace selfgrad::testing {

/// The value of every layer at x (N, C, H, W) float64.
inline std::vector<at::Tensor> values_of(const LayerGraph& graph, const at::Tensor& x) {
  std::vector<at::Tensor> values{x};
  for (size_t place = 1; place < graph.layers().size(); ++place) {
    const Layer& layer = graph.layers()[place];
    const at::Tensor& input = values[layer.input];
    if (layer.kind == Layer::Kind::kActivation)
      values.push_back(activate(layer.activation, input));
    else if (layer.kind == Layer::Kind::kAdd)
      values.push_back(input + values[layer.other]);
    else
      values.push_back(apply(layer, input));
  }
  return values;
}

inline at::Tensor logits_of(const LayerGraph& graph, const at::Tensor& x) {
  return values_of(graph, x).back();
}

/// Gradient of the summed cross-entropy at x float64; with a graph of its own when asked.
inline at::Tensor exact_gradient(const LayerGraph& graph, const at::Tensor& x, const at::Tensor& labels,
                                 bool differentiable = false) {
  const at::Tensor input = differentiable ? x : x.detach().requires_grad_();
  return torch::autograd::grad({cross_entropy(logits_of(graph, input), labels).sum()}, {input}, {},
                               differentiable, differentiable)[0];
}

/// The Hessian of the cross-entropy of one image (1, C, H, W), (d, d) float64, row by row.
inline at::Tensor dense_hessian(const LayerGraph& graph, const at::Tensor& image, const at::Tensor& label) {
  const at::Tensor x = image.detach().requires_grad_();
  const at::Tensor gradient = exact_gradient(graph, x, label, true).flatten();
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < gradient.size(0); ++i)
    rows.push_back(torch::autograd::grad({gradient[i]}, {x}, {}, true)[0].flatten());
  return at::stack(rows);
}

}  // namespace selfgrad::testing
