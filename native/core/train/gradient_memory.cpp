#include "train/gradient_memory.h"

#include <ATen/ops/from_file.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <filesystem>

#include "io/atomic_file.h"

namespace selfgrad {

namespace {

// Zeros in a mapped file that loses its name here. Every byte is written first: a hole in the file would end
// the process when a full disk cannot fill it.
at::Tensor mapped_zeros(int64_t bytes, const std::string& folder) {
  AtomicFile file((std::filesystem::path(folder) / "gradient-memory").string());
  const std::vector<char> zeros(size_t{1} << 20);
  for (auto left = static_cast<size_t>(bytes); left > 0; left -= std::min(left, zeros.size()))
    file.write(zeros.data(), std::min(left, zeros.size()));
  return at::from_file(file.temporary(), /*shared=*/true, bytes, at::kChar);
}

at::Tensor stored(int64_t count, const ImageShape& shape, const std::string& folder) {
  const std::vector<int64_t> sizes{count, shape.channels, shape.height, shape.width};
  return folder.empty() ? at::zeros(sizes, at::kChar)
                        : mapped_zeros(count * shape.size(), folder).view(sizes);
}

}  // namespace

GradientMemory::GradientMemory(int64_t count, const ImageShape& shape, double scale,
                               const std::string& folder)
    : delta_(stored(count, shape, folder)),
      visited_(at::zeros({count}, at::kBool)),
      unit_(static_cast<float>(scale / 127.0)) {}

at::Tensor GradientMemory::read(const at::Tensor& indices, const std::vector<Transform>& transforms) const {
  return read_through(delta_, indices, transforms, unit_);
}

at::Tensor GradientMemory::visited(const at::Tensor& indices) const {
  return visited_.index_select(0, indices);
}

void GradientMemory::forget(const at::Tensor& indices) {
  delta_.index_fill_(0, indices, 0);
  visited_.index_fill_(0, indices, false);
}

void GradientMemory::write(const at::Tensor& indices, const std::vector<Transform>& transforms,
                           const at::Tensor& delta) {
  write_through(delta_, indices, transforms, delta, unit_);
  visited_.index_fill_(0, indices, true);
}

}  // namespace selfgrad
