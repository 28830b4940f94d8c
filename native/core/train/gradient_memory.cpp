#include "train/gradient_memory.h"

#include <ATen/ops/from_file.h>
#include <ATen/ops/zeros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "error.h"

namespace selfgrad {

namespace {

// Zeros in a mapped file without a name. Every byte is written first: a hole in the file would end the
// process when a full disk cannot fill it.
at::Tensor mapped_zeros(int64_t bytes, const std::string& folder) {
  static std::atomic<int> counter{0};
  const std::filesystem::path path =
      std::filesystem::path(folder) /
      ("gradient-memory-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".map");
  const auto failed = [&](const std::string& why) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return Error("ERR_WRITE", "Expected room for " + std::to_string(bytes >> 20) +
                                  " MiB of gradient memory at " + path.string() + " but " + why +
                                  ". Free some space there, or set train.strategy.memory to class.");
  };
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    const std::vector<char> zeros(size_t{1} << 20);
    for (int64_t written = 0; written < bytes && file; written += static_cast<int64_t>(zeros.size()))
      file.write(zeros.data(), std::min<int64_t>(bytes - written, static_cast<int64_t>(zeros.size())));
    if (!file.flush()) throw failed("it could not be written");
  }
  at::Tensor mapped = at::from_file(path.string(), /*shared=*/true, bytes, at::kChar);
  std::error_code error;
  std::filesystem::remove(path, error);
  return mapped;
}

at::Tensor stored(int64_t count, const ImageShape& shape, const std::string& folder, int64_t map_above) {
  const std::vector<int64_t> sizes{count, shape.channels, shape.height, shape.width};
  const int64_t bytes = count * shape.size();
  return bytes > map_above ? mapped_zeros(bytes, folder).view(sizes) : at::zeros(sizes, at::kChar);
}

}  // namespace

GradientMemory::GradientMemory(int64_t count, const ImageShape& shape, double scale,
                               const std::string& folder, int64_t map_above)
    : delta_(stored(count, shape, folder, map_above)),
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
