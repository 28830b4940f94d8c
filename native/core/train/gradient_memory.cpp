#include "train/gradient_memory.h"

#include <ATen/ops/zeros.h>

namespace selfgrad {

GradientMemory::GradientMemory(int64_t count, const ImageShape& shape, double scale)
    : delta_(at::zeros({count, shape.channels, shape.height, shape.width}, at::kChar)),
      visited_(at::zeros({count}, at::kBool)),
      unit_(static_cast<float>(scale / 127.0)) {}

at::Tensor GradientMemory::read(const at::Tensor& indices, const std::vector<Transform>& transforms) const {
  return read_through(delta_, indices, transforms, unit_);
}

at::Tensor GradientMemory::visited(const at::Tensor& indices) const {
  return visited_.index_select(0, indices);
}

void GradientMemory::write(const at::Tensor& indices, const std::vector<Transform>& transforms,
                           const at::Tensor& delta) {
  write_through(delta_, indices, transforms, delta, unit_);
  visited_.index_fill_(0, indices, true);
}

}  // namespace selfgrad
