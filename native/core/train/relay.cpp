// Tensors of fixed shape, so that a checkpoint has them in any state of the run.
#include "train/relay.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <string>

namespace selfgrad {
namespace {

at::Tensor pack(const std::vector<Transform>& transforms) {
  at::Tensor packed = at::zeros({static_cast<int64_t>(transforms.size()), 3}, at::kInt);
  auto* row = packed.mutable_data_ptr<int32_t>();
  for (const Transform& t : transforms) {
    *row++ = t.dy;
    *row++ = t.dx;
    *row++ = t.flip ? 1 : 0;
  }
  return packed;
}

std::vector<Transform> unpack(const at::Tensor& packed) {
  std::vector<Transform> transforms(packed.size(0));
  const auto* row = packed.const_data_ptr<int32_t>();
  for (Transform& t : transforms) {
    t = {row[0], row[1], row[2] != 0};
    row += 3;
  }
  return transforms;
}

}  // namespace

Relay::Relay(int64_t ages, int64_t capacity, const ImageShape& shape, int64_t classes, at::Device device) {
  const auto on_device = at::TensorOptions().dtype(at::kFloat).device(device);
  for (int64_t i = 0; i < ages; ++i) {
    const at::Tensor images = at::zeros({capacity, shape.channels, shape.height, shape.width},
                                        on_device.memory_format(at::MemoryFormat::ChannelsLast));
    slots_.push_back({.count = at::zeros({1}, at::kLong),
                      .images = images,
                      .labels = at::zeros({capacity}, on_device.dtype(at::kLong)),
                      .indices = at::zeros({capacity}, at::kLong),
                      .transforms = at::zeros({capacity, 3}, at::kInt),
                      .x = at::zeros_like(images),
                      .direction = at::zeros_like(images),
                      .agreement = at::zeros({capacity}, on_device),
                      .logits = at::zeros({capacity, classes}, on_device)});
  }
}

std::vector<Flight> Relay::flights() const {
  std::vector<Flight> flights;
  for (const Slot& slot : slots_) {
    const auto n = slot.count.item<int64_t>();
    if (n == 0) break;
    const auto rows = [n](const at::Tensor& tensor) { return tensor.narrow(0, 0, n); };
    flights.push_back({.images = rows(slot.images),
                       .labels = rows(slot.labels),
                       .indices = rows(slot.indices),
                       .transforms = unpack(rows(slot.transforms)),
                       .x = rows(slot.x),
                       .direction = rows(slot.direction),
                       .agreement = rows(slot.agreement),
                       .logits = rows(slot.logits)});
  }
  return flights;
}

void Relay::hand_over(const std::vector<Flight>& flights) {
  const at::NoGradGuard no_grad;
  for (size_t i = slots_.size(); i-- > 0;) {
    const Slot& slot = slots_[i];
    const int64_t n = i < flights.size() ? flights[i].size() : 0;
    slot.count.fill_(n);
    if (n == 0) continue;
    const auto put = [n](const at::Tensor& to, const at::Tensor& from) { to.narrow(0, 0, n).copy_(from); };
    put(slot.images, flights[i].images);
    put(slot.labels, flights[i].labels);
    put(slot.indices, flights[i].indices);
    put(slot.transforms, pack(flights[i].transforms));
    put(slot.x, flights[i].x);
    put(slot.direction, flights[i].direction);
    put(slot.agreement, flights[i].agreement);
    put(slot.logits, flights[i].logits);
  }
}

NamedTensors Relay::state() const {
  NamedTensors tensors;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const auto add = [&](const char* field, const at::Tensor& tensor) {
      tensors.emplace_back("relay." + std::to_string(i + 1) + "." + field, tensor);
    };
    const Slot& slot = slots_[i];
    add("count", slot.count);
    add("images", slot.images);
    add("labels", slot.labels);
    add("indices", slot.indices);
    add("transforms", slot.transforms);
    add("x", slot.x);
    add("direction", slot.direction);
    add("agreement", slot.agreement);
    add("logits", slot.logits);
  }
  return tensors;
}

}  // namespace selfgrad
