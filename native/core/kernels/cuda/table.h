// The CUDA plug-in's kernels as function pointers: what native/cuda exports, and what the core calls for
// tensors on a CUDA device. Everything runs on LibTorch's current stream; but for `free_bytes` and
// `make_exchange`, nothing waits for the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "kernels/cpu/table.h"
#include "kernels/cuda/draw.h"

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace selfgrad::kernels {

/// Changes with this file: a plug-in of another build is refused.
constexpr int64_t kCudaTable = 3;

/// BatchNorm's statistics per channel, (C) float64; the variance is the biased one.
struct CudaNormed {
  at::Tensor y, mean, variance;
};
struct CudaNormGradients {
  at::Tensor x, weight, bias;  ///< weight and bias: undefined where they were not wanted
};

/// Work that is recorded once and then started as a whole, without the host's part of it.
class StepGraph {
 public:
  StepGraph() = default;
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;
  virtual ~StepGraph() = default;

  /// Does `work` `count` times. It must be the same work on the same tensors in every call of this object,
  /// and must not wait for the device.
  virtual void run(int64_t count, const std::function<void()>& work) = 0;
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
  /// `uniform` of tensor/philox.h, bit by bit; indices (N) int64 on the device, `size` numbers for each.
  at::Tensor (*uniform)(const CudaDraw& draw, const at::Tensor& indices, int64_t size, float low,
                        float range);
  /// `read_through` and `write_through` of data/augment.h; rows (M, C, H, W) int8 (to read: or uint8),
  /// indices (N) int64, transforms (N, 3) int32: dy, dx, flip; values (N, C, H, W) float32, channels-last.
  at::Tensor (*read_through)(const at::Tensor& rows, const at::Tensor& indices, const at::Tensor& transforms,
                             float scale);
  void (*write_through)(const at::Tensor& rows, const at::Tensor& indices, const at::Tensor& transforms,
                        const at::Tensor& values, float scale);
  /// Of the device's memory.
  int64_t (*free_bytes)(at::Device device);
  std::unique_ptr<StepGraph> (*make_graph)(at::Device device);
  /// c10d's process group over NCCL, connected: its sums are work of the device that the current stream waits
  /// for after `synchronize`. It never ends the process; a sum that waits for a lost rank ends at `abort`.
  c10::intrusive_ptr<c10d::Backend> (*make_exchange)(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                     int size, at::Device device,
                                                     std::chrono::milliseconds timeout);
};

/// The kernels of the plug-in that was opened; null before.
const CudaKernels* cuda_kernels();
/// `kernels` must outlive the process's last run; null takes them away again.
void set_cuda_kernels(const CudaKernels* kernels);

/// The kernels for a device: null for the CPU, and for a GPU on which LibTorch's operations do the work.
inline const CudaKernels* cuda_kernels_of(at::Device device) {
  return device.is_cuda() ? cuda_kernels() : nullptr;
}

}  // namespace selfgrad::kernels
