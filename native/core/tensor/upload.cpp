#include "tensor/upload.h"

#include "kernels/cuda/table.h"

namespace selfgrad {

at::Tensor upload(const at::Tensor& tensor, at::Device device) {
  if (tensor.device() == device) return tensor;
  return tensor.pin_memory().to(tensor.options().device(device).pinned_memory(false), /*non_blocking=*/true);
}

bool stays_on(at::Device device, int64_t bytes) {
  const auto* cuda = kernels::cuda_kernels_of(device);
  return cuda != nullptr && bytes <= cuda->free_bytes(device) / 2;
}

}  // namespace selfgrad
