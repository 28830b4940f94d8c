#include "train/shared_memory.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

namespace selfgrad {

SharedMemory::SharedMemory(int64_t rows, const ImageShape& shape, double eps, at::Device device,
                           WorldPtr world)
    : delta_(
          at::zeros({rows, shape.channels, shape.height, shape.width}, at::TensorOptions().device(device))),
      gradient_(at::zeros_like(delta_)),
      eps_(eps),
      world_(std::move(world)) {}

at::Tensor SharedMemory::rows_of(const at::Tensor& labels) const {
  return delta_.size(0) == 1 ? at::zeros_like(labels) : labels;
}

at::Tensor SharedMemory::read(const at::Tensor& labels) const {
  return delta_.index_select(0, rows_of(labels)).contiguous(at::MemoryFormat::ChannelsLast);
}

void SharedMemory::write(const at::Tensor& labels, const at::Tensor& gradients, double alpha,
                         double momentum) {
  const at::NoGradGuard no_grad;
  const at::Tensor rows = rows_of(labels);
  const at::Tensor size = gradients.abs().sum({1, 2, 3}, /*keepdim=*/true).clamp_min(1e-20);
  const at::Tensor sum = at::zeros_like(gradient_).index_add_(0, rows, (gradients / size).contiguous());
  const at::Tensor count =
      at::zeros({delta_.size(0)}, delta_.options()).index_add_(0, rows, at::ones_like(rows).to(at::kFloat));
  world_->sum({sum, count});
  const at::Tensor seen = (count > 0).view({-1, 1, 1, 1});
  const at::Tensor mean = sum / count.clamp_min(1).view({-1, 1, 1, 1});
  gradient_.copy_(at::where(seen, mean + momentum * gradient_, gradient_));
  delta_.copy_(at::where(seen, (delta_ + alpha * gradient_.sign()).clamp(-eps_, eps_), delta_));
}

}  // namespace selfgrad
