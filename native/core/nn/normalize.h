// The first layer of every network: from pixels to what the weights were trained on.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <vector>

namespace selfgrad {

/// (x - mean) / std per channel: the first layer of every network, saved with it. Pixels stay in [0, 1]
/// outside. Float32 comes out, or what autocast asks for.
class Normalize : public torch::nn::Module {
 public:
  Normalize(const std::vector<double>& mean, const std::vector<double>& std);
  at::Tensor forward(const at::Tensor& x) const;

  const at::Tensor& mean() const { return mean_; }
  const at::Tensor& std() const { return std_; }

 private:
  at::Tensor mean_, std_;
};

}  // namespace selfgrad
