// The identity as the derivative of what has none (backward pass differentiable approximation, Athalye et al.
// 2018, section 4.1, https://arxiv.org/abs/1802.00420).
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

/// `value` (of the shape of x, computed from it without a graph) whose gradient is handed to x as it is.
at::Tensor straight_through(const at::Tensor& x, const at::Tensor& value);

}  // namespace selfgrad
