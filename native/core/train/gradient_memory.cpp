#include "train/gradient_memory.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_file.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "io/atomic_file.h"
#include "io/mapped_file.h"
#include "tensor/upload.h"

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

at::Tensor stored(int64_t count, const ImageShape& shape, const std::string& folder, at::Device device) {
  const std::vector<int64_t> sizes{count, shape.channels, shape.height, shape.width};
  const int64_t bytes = count * shape.size();
  if (stays_on(device, bytes)) return at::zeros(sizes, at::TensorOptions().dtype(at::kChar).device(device));
  return folder.empty() ? at::zeros(sizes, at::kChar) : mapped_zeros(bytes, folder).view(sizes);
}

}  // namespace

GradientMemory::GradientMemory(int64_t count, const ImageShape& shape, double scale,
                               const std::string& folder, at::Device device, WorldPtr world)
    : count_(count),
      world_(std::move(world)),
      // What travels between ranks lies on the host.
      delta_(stored(world_->rows(count), shape, folder, world_->alone() ? device : at::Device(at::kCPU))),
      mapped_(!folder.empty() && delta_.is_cpu()),
      visited_(at::zeros({world_->rows(count)}, at::kBool)),
      unit_(static_cast<float>(scale / 127.0)),
      device_(device) {}

Memories GradientMemory::read(const at::Tensor& indices, const std::vector<Transform>& transforms) const {
  if (world_->alone())
    return {upload(read_through(delta_, indices, transforms, unit_), device_),
            visited_.index_select(0, indices)};
  RowExchange exchange(*world_, indices);
  const at::Tensor rows = exchange.from_keepers(delta_.index_select(0, exchange.places()));
  const at::Tensor visited = exchange.from_keepers(visited_.index_select(0, exchange.places()).to(at::kChar));
  return {upload(read_through(rows, at::arange(rows.size(0)), transforms, unit_), device_),
          visited.to(at::kBool)};
}

void GradientMemory::will_need(const at::Tensor& indices) const {
  if (mapped_ && world_->alone()) selfgrad::will_need(delta_, indices);
}

void GradientMemory::forget(const at::Tensor& indices) {
  const at::Tensor places = world_->alone() ? indices : RowExchange(*world_, indices).places();
  delta_.index_fill_(0, upload(places, delta_.device()), 0);
  visited_.index_fill_(0, places, false);
}

void GradientMemory::write(const at::Tensor& indices, const std::vector<Transform>& transforms,
                           const at::Tensor& delta) {
  if (world_->alone()) {
    write_through(delta_, indices, transforms, delta.to(delta_.device()), unit_);
    visited_.index_fill_(0, indices, true);
    return;
  }
  // Bytes travel, still in the augmented frame: which pixels the crop hid only their keeper knows.
  RowExchange exchange(*world_, indices);
  const at::Tensor bytes = exchange.to_keepers((delta.cpu() / unit_).round().clamp(-127, 127).to(at::kChar));
  const at::Tensor packed = exchange.to_keepers(pack_transforms(transforms));
  write_through(delta_, exchange.places(), unpack_transforms(packed), bytes.to(at::kFloat), 1.0F);
  visited_.index_fill_(0, exchange.places(), true);
}

}  // namespace selfgrad
