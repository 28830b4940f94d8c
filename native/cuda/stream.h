// Where a launch goes: LibTorch's current stream of the tensors' device. In the tests' emulation memory of
// the device is the host's, under addresses that the host cannot use: `on_device` undoes that.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include "kernels.h"

#if defined(SELFGRAD_EMULATED_GRID)
#include "emulated_device.h"
#else
#include <c10/cuda/CUDAException.h>
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

#if defined(SELFGRAD_EMULATED_GRID)
template <class T>
T* on_device(T* pointer) {
  return static_cast<T*>(emulated_pointer(pointer));
}
inline int64_t free_bytes(at::Device) {
  return emulated_free_bytes;
}
#else
template <class T>
T* on_device(T* pointer) {
  return pointer;
}
inline int64_t free_bytes(at::Device device) {
  const c10::cuda::CUDAGuard guard(device);
  size_t free = 0, total = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return static_cast<int64_t>(free);
}
#endif

inline void check_launch(const char* error) {
  TORCH_CHECK(error == nullptr, "A CUDA kernel of selfgrad was not launched: ", error);
}

}  // namespace selfgrad::cuda
