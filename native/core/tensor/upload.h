// From the host's memory to where a network is.
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

/// `tensor` (on the CPU, or there already) on `device`. To a GPU by way of pinned memory: the host goes on at
/// once, and prepares what comes next while this is copied. LibTorch keeps the pinned block until the copy
/// has been made.
at::Tensor upload(const at::Tensor& tensor, at::Device device);

/// Whether `bytes` may be kept on `device` for a whole run: at most half of its free memory. False for the
/// CPU, where they are anyway, and without the plug-in, whose kernels alone could read them there.
bool stays_on(at::Device device, int64_t bytes);

}  // namespace selfgrad
