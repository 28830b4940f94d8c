// Where a launch goes: LibTorch's current stream of the tensors' device.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include "kernels.h"

#if !defined(SELFGRAD_EMULATED_GRID)
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace selfgrad::cuda {

/// While it lives, the device of `tensor` is the current one.
class OnDevice {
 public:
#if defined(SELFGRAD_EMULATED_GRID)
  explicit OnDevice(const at::Tensor&) {}
  Stream stream() const {
    return nullptr;
  }
#else
  explicit OnDevice(const at::Tensor& tensor) : guard_(tensor.device()) {}
  Stream stream() const {
    return c10::cuda::getCurrentCUDAStream().stream();
  }

 private:
  c10::cuda::CUDAGuard guard_;
#endif
};

inline void check_launch(const char* error) {
  TORCH_CHECK(error == nullptr, "A CUDA kernel of selfgrad was not launched: ", error);
}

}  // namespace selfgrad::cuda
