// The memory of the input tap that images share: one perturbation per class, or one for all.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/dataset.h"
#include "distributed/world.h"
#include "io/safetensors.h"

namespace selfgrad {

/// U_k <- clip(U_k + alpha sign(M_k), eps) with M_k <- (mean over the batch's examples of row k of g/‖g‖₁) +
/// momentum M_k: the rule of FGSM-CUAP and FGSM-UAP (Jia et al. 2024), in the frame of the augmented image.
class SharedMemory {
 public:
  /// `rows`: classes, or 1 for a universal perturbation. Perturbations lie in ±eps (pixel units).
  SharedMemory(int64_t rows, const ImageShape& shape, double eps, at::Device device = at::kCPU,
               WorldPtr world = c10::make_intrusive<World>());

  /// (N, C, H, W) float32, channels-last: each label's row, or the only one.
  at::Tensor read(const at::Tensor& labels) const;
  /// Moves the rows of these labels along the gradients (N, C, H, W) by alpha, pixel units; of the labels and
  /// gradients of all ranks together.
  void write(const at::Tensor& labels, const at::Tensor& gradients, double alpha, double momentum);

  /// `memory.shared` and `memory.gradient`, shared.
  NamedTensors state() const { return {{"memory.shared", delta_}, {"memory.gradient", gradient_}}; }

 private:
  at::Tensor rows_of(const at::Tensor& labels) const;

  at::Tensor delta_, gradient_;  // (rows, C, H, W) float32
  double eps_;
  WorldPtr world_;
};

}  // namespace selfgrad
