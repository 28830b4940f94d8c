// LibTorch's CUDA device without a GPU: its operations are the CPU's, on memory that only they can read. What
// the core does on it, it does on a GPU: a tensor left on the CPU, host code that reads a tensor of the
// device, a step of a graph that waits for it, each is an error here. It knows nothing of streams or speed.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/cuda/table.h"

namespace selfgrad::test {

inline const at::Device kGpu{at::kCUDA, 0};

/// What has gone between host and device since the last `forget_traffic`.
struct Traffic {
  int64_t waits = 0;    ///< how often the host needed a result: it would have waited for the device
  int64_t uploads = 0;  ///< copies to the device
};
Traffic traffic();
void forget_traffic();

/// While it lives, the plug-in is open.
class PluginGuard {
 public:
  PluginGuard();
  ~PluginGuard();
  PluginGuard(const PluginGuard&) = delete;
  PluginGuard& operator=(const PluginGuard&) = delete;
};

}  // namespace selfgrad::test
