// BatchNorm and activation in one operation: the pair stands before every convolution, and apart they read
// and write the activations more often than they compute with them.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/layers.h"

namespace selfgrad {

/// activate(activation, norm.forward(x)) for x (N, C, H, W): the same statistics, running averages and
/// gradients, in the storage type of x with float32 arithmetic. By fused kernels for float32 and bfloat16 on
/// the CPU, else by LibTorch's operations; so are gradients of gradients.
at::Tensor norm_activation(BatchNorm2d& norm, Activation activation, const at::Tensor& x);

}  // namespace selfgrad
