// The CUDA plug-in's kernels as function pointers: what native/cuda exports, and what the core calls for
// tensors on a CUDA device. Everything runs on LibTorch's current stream and nothing waits for the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/cpu/table.h"

namespace selfgrad::kernels {

/// Changes with this file: a plug-in of another build is refused.
constexpr int64_t kCudaTable = 1;

/// BatchNorm's statistics per channel, (C) float64; the variance is the biased one.
struct CudaNormed {
  at::Tensor y, mean, variance;
};
struct CudaNormGradients {
  at::Tensor x, weight, bias;  ///< weight and bias: undefined where they were not wanted
};

/// Images are (N, C, H, W), channels-last, float32 or bfloat16; parameters (C) float32.
struct CudaKernels {
  int64_t table;
  /// Undefined mean and variance stand for those of the batch.
  CudaNormed (*norm_activation)(Act act, const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& variance,
                                double eps);
  /// `training`: mean and variance depend on x. `parameters`: the gradients of weight and bias are wanted.
  CudaNormGradients (*norm_activation_backward)(Act act, const at::Tensor& gy, const at::Tensor& x,
                                                const at::Tensor& weight, const at::Tensor& bias,
                                                const at::Tensor& mean, const at::Tensor& variance,
                                                double eps, bool training, bool parameters);
  /// Float32 in, `storage` (float32 or bfloat16) out.
  at::Tensor (*normalize)(const at::Tensor& x, const at::Tensor& mean, const at::Tensor& std,
                          at::ScalarType storage);
  at::Tensor (*normalize_backward)(const at::Tensor& gy, const at::Tensor& std);
  /// Float32 of one memory format; alpha (N) float32.
  at::Tensor (*projected_step)(const at::Tensor& x, const at::Tensor& origin, const at::Tensor& gradient,
                               const at::Tensor& alpha, double eps);
};

}  // namespace selfgrad::kernels
