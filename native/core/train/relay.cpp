// Tensors of fixed shape, so that a checkpoint has them in any state of the run.
#include "train/relay.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <string>
#include <utility>

namespace selfgrad {

Relay::Relay(int64_t ages, int64_t capacity, const ImageShape& shape, int64_t classes, at::Device device,
             WorldPtr world)
    : capacity_(capacity), world_(std::move(world)) {
  const int64_t own = world_->rows(capacity);
  const auto on_device = at::TensorOptions().dtype(at::kFloat).device(device);
  for (int64_t i = 0; i < ages; ++i) {
    const at::Tensor images = at::zeros({own, shape.channels, shape.height, shape.width},
                                        on_device.memory_format(at::MemoryFormat::ChannelsLast));
    slots_.push_back({.count = at::zeros({1}, at::kLong),
                      .images = images,
                      .labels = at::zeros({own}, on_device.dtype(at::kLong)),
                      .indices = at::zeros({own}, at::kLong),
                      .transforms = at::zeros({own, 3}, at::kInt),
                      .x = at::zeros_like(images),
                      .direction = at::zeros_like(images),
                      .agreement = at::zeros({own}, on_device),
                      .logits = at::zeros({own, classes}, on_device)});
  }
}

std::vector<Flight> Relay::flights() const {
  std::vector<Flight> flights;
  for (const Slot& slot : slots_) {
    const auto total = slot.count.item<int64_t>();
    if (total == 0) break;
    const int64_t n = world_->rows(total);
    const auto rows = [n](const at::Tensor& tensor) { return tensor.narrow(0, 0, n); };
    flights.push_back({.total = total,
                       .images = rows(slot.images),
                       .labels = rows(slot.labels),
                       .indices = rows(slot.indices),
                       .transforms = unpack_transforms(rows(slot.transforms)),
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
    slot.count.fill_(n == 0 ? 0 : flights[i].total);
    if (n == 0) continue;
    const auto put = [n](const at::Tensor& to, const at::Tensor& from) { to.narrow(0, 0, n).copy_(from); };
    put(slot.images, flights[i].images);
    put(slot.labels, flights[i].labels);
    put(slot.indices, flights[i].indices);
    put(slot.transforms, pack_transforms(flights[i].transforms));
    put(slot.x, flights[i].x);
    put(slot.direction, flights[i].direction);
    put(slot.agreement, flights[i].agreement);
    put(slot.logits, flights[i].logits);
  }
}

NamedTensors Relay::state() const {
  NamedTensors tensors;
  for (size_t i = 0; i < slots_.size(); ++i)
    tensors.emplace_back("relay." + std::to_string(i + 1) + ".count", slots_[i].count);
  return tensors;
}

NamedTensors Relay::rows() const {
  NamedTensors tensors;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const auto add = [&](const char* field, const at::Tensor& tensor) {
      tensors.emplace_back("relay." + std::to_string(i + 1) + "." + field, tensor);
    };
    const Slot& slot = slots_[i];
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
