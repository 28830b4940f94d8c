#include "nn/frozen_maps.h"

#include <ATen/core/TensorAccessor.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "kernels/cpu/table.h"

namespace selfgrad {
namespace {

constexpr int64_t kPackableWeights = int64_t{1} << 20;

bool has_maps(const FrozenLayer& layer) {
  return layer.kind == FrozenLayer::Kind::kInput || layer.kind == FrozenLayer::Kind::kConv ||
         layer.kind == FrozenLayer::Kind::kPointwise || layer.kind == FrozenLayer::Kind::kAdd;
}

/// How many of the first layers can be computed image by image: the others read but the last of them.
size_t map_count(const std::vector<FrozenLayer>& layers) {
  size_t count = 0;
  while (count < layers.size() && has_maps(layers[count]) &&
         (layers[count].kind != FrozenLayer::Kind::kConv || is_packable(layers[count])))
    ++count;
  const auto reads_inside = [&](size_t i, size_t end) {
    const auto inside = [&](int64_t place) { return place >= 0 && place + 1 < static_cast<int64_t>(end); };
    return inside(layers[i].input) || inside(layers[i].other);
  };
  const auto cuts = [&](size_t end) {
    for (size_t i = end; i < layers.size(); ++i)
      if (reads_inside(i, end)) return false;
    return true;
  };
  while (count > 0 && !cuts(count))
    --count;
  const bool convolves =
      std::any_of(layers.begin(), layers.begin() + static_cast<int64_t>(count),
                  [](const FrozenLayer& layer) { return layer.kind == FrozenLayer::Kind::kConv; });
  return convolves && count < layers.size() ? count : 0;
}

/// weight(t, k, c) for `channels` channels in blocks of lanes.
PackedWeights pack(int64_t channels, int64_t taps, int64_t run,
                   const std::function<float(int64_t, int64_t, int64_t)>& weight) {
  const auto& kernels = kernels::cpu_kernels().image;
  const int64_t lane = kernels.lane, blocks = (channels + lane - 1) / lane;
  const int64_t even = (run + 1) / 2 * 2;
  PackedWeights packed;
  packed.floats.resize(static_cast<size_t>(blocks * taps * run * lane));
  if (kernels.convolution_bfloat16 != nullptr)
    packed.halves.resize(static_cast<size_t>(blocks * taps * even * lane));
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t block = c / lane, in_block = c % lane;
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t k = 0; k < run; ++k) {
        const float value = weight(t, k, c);
        packed.floats[((block * taps + t) * run + k) * lane + in_block] = value;
        if (!packed.halves.empty())
          packed.halves[(((block * taps + t) * even / 2 + k / 2) * lane + in_block) * 2 + k % 2] = value;
      }
    }
  }
  return packed;
}

/// One axis of a phase: the places `first`, `first` + stride, … of `size` meet the kernel's places `offset`,
/// `offset` + stride, …
struct PhaseAxis {
  int64_t first, count, offset, taps, read;

  PhaseAxis(int64_t offset, int64_t size, const FrozenLayer& layer)
      : first(((offset - layer.padding) % layer.stride + layer.stride) % layer.stride),
        count(first < size ? (size - first + layer.stride - 1) / layer.stride : 0),
        offset(offset),
        taps(offset < layer.kernel ? (layer.kernel - offset + layer.stride - 1) / layer.stride : 0),
        read((first + layer.padding - offset) / layer.stride) {}
};

/// How many neighbours of few channels fill a block of lanes best.
int64_t group_of(const FrozenLayer& layer, int64_t channels, int64_t pixels) {
  int64_t group = layer.stride == 1 ? kernels::cpu_kernels().image.lane / channels : 1;
  while (group > 1 && pixels % group != 0)
    --group;
  return std::max<int64_t>(1, group);
}

std::vector<Phase> phases_of(const FrozenLayer& layer, const MapShape& in, int64_t outputs) {
  const auto weight = layer.weight.accessor<float, 4>();
  std::vector<Phase> phases;
  for (int64_t a = 0; a < layer.stride; ++a) {
    for (int64_t b = 0; b < layer.stride; ++b) {
      const PhaseAxis rows(a, in.height, layer), columns(b, in.width, layer);
      if (rows.taps == 0 || columns.taps == 0 || rows.count == 0 || columns.count == 0) continue;
      const int64_t last = columns.taps - 1, group = group_of(layer, in.channels, columns.count);
      const int64_t read = columns.taps + group - 1;
      phases.push_back(
          {.row = rows.first,
           .column = columns.first,
           .lines = rows.count,
           .pixels = columns.count,
           .group = group,
           .taps = rows.taps,
           .columns = read,
           .first_row = rows.read,
           .first_column = columns.read - last,
           .weights =
               pack(group * in.channels, rows.taps, read * outputs, [&](int64_t t, int64_t k, int64_t c) {
                 const int64_t tap = last - (k / outputs - c / in.channels);
                 if (tap < 0 || tap > last) return 0.0F;
                 return weight[k % outputs][c % in.channels][a + t * layer.stride][b + tap * layer.stride];
               })});
    }
  }
  return phases;
}

/// How far the phases reach beyond the output's map.
int64_t reach(const std::vector<Phase>& phases, const MapShape& out) {
  int64_t border = 0;
  for (const Phase& phase : phases)
    border = std::max({border, phase.taps - 1 - phase.first_row, -phase.first_column,
                       phase.first_row + phase.lines - out.height,
                       phase.first_column + phase.pixels - phase.group + phase.columns - out.width});
  return border;
}

std::vector<float> values_of(const at::Tensor& tensor, int64_t count, float otherwise) {
  std::vector<float> values(static_cast<size_t>(count), otherwise);
  if (!tensor.defined()) return values;
  const at::Tensor flat = tensor.contiguous();
  std::copy_n(flat.const_data_ptr<float>(), flat.numel(), values.begin());
  return values;
}

/// Which slot each map gets: maps of one shape share one unless their lives [begin, end] meet.
struct Life {
  MapShape shape;
  int64_t begin, end;
};

std::vector<int64_t> share(const std::vector<Life>& lives, std::vector<MapShape>& slots) {
  std::vector<std::vector<size_t>> holders;
  std::vector<int64_t> places;
  for (size_t i = 0; i < lives.size(); ++i) {
    const Life& life = lives[i];
    int64_t place = -1;
    for (size_t slot = 0; slot < slots.size() && place < 0 && life.begin <= life.end; ++slot) {
      const bool free = std::all_of(holders[slot].begin(), holders[slot].end(), [&](size_t other) {
        return lives[other].end < life.begin || life.end < lives[other].begin;
      });
      if (slots[slot] == life.shape && free) place = static_cast<int64_t>(slot);
    }
    if (place < 0 && life.begin <= life.end) {
      place = static_cast<int64_t>(slots.size());
      slots.push_back(life.shape);
      holders.emplace_back();
    }
    if (place >= 0) holders[place].push_back(i);
    places.push_back(place);
  }
  return places;
}

void assign_slots(MapPlan& plan, const std::vector<FrozenLayer>& layers) {
  const auto count = static_cast<int64_t>(plan.layers.size());
  std::vector<Life> values, gradients;
  for (int64_t i = 0; i < count; ++i) {
    int64_t last_reader = -1;
    for (int64_t reader = i + 1; reader < count; ++reader)
      if (layers[reader].input == i || layers[reader].other == i) last_reader = reader;
    // The last map is the caller's; so is the gradient of the images.
    values.push_back({plan.layers[i].value, i, i + 1 < count ? last_reader : -1});
    gradients.push_back({plan.layers[i].gradient, i, i == 0 ? -1 : std::max(i, last_reader)});
  }
  const std::vector<int64_t> value_slots = share(values, plan.values);
  const std::vector<int64_t> gradient_slots = share(gradients, plan.gradients);
  for (int64_t i = 0; i < count; ++i) {
    plan.layers[i].value_slot = value_slots[i];
    plan.layers[i].gradient_slot = gradient_slots[i];
  }
}

}  // namespace

bool is_packable(const FrozenLayer& layer) {
  return layer.groups == 1 && layer.weight.numel() <= kPackableWeights;
}

PackedConvolution pack_forward(const FrozenLayer& layer) {
  const int64_t outputs = layer.weight.size(0), inputs = layer.weight.size(1);
  const int64_t lane = kernels::cpu_kernels().image.lane;
  const auto weight = layer.weight.accessor<float, 4>();
  return {pack(outputs, layer.kernel, layer.kernel * inputs,
               [&](int64_t t, int64_t k, int64_t c) { return weight[c][k % inputs][t][k / inputs]; }),
          values_of(layer.bias, (outputs + lane - 1) / lane * lane, 0)};
}

MapPlan plan_maps(const std::vector<FrozenLayer>& layers, const ImageShape& shape) {
  MapPlan plan;
  plan.layers.resize(map_count(layers));
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    const FrozenLayer& layer = layers[i];
    MapLayer& made = plan.layers[i];
    if (layer.kind == FrozenLayer::Kind::kInput) {
      made.value = {.channels = shape.channels, .height = shape.height, .width = shape.width};
      made.gradient = made.value;
      continue;
    }
    MapLayer& read = plan.layers[layer.input];
    made.value = {.channels = read.value.channels, .height = read.value.height, .width = read.value.width};
    if (layer.kind == FrozenLayer::Kind::kConv) {
      const auto size = [&](int64_t pixels) {
        return (pixels + 2 * layer.padding - layer.kernel) / layer.stride + 1;
      };
      const int64_t outputs = layer.weight.size(0);
      made.value = {.channels = outputs, .height = size(read.value.height), .width = size(read.value.width)};
      read.value.border = std::max(read.value.border, layer.padding);
      read.read_by_convolution = true;
      made.convolution = pack_forward(layer);
      made.phases = phases_of(layer, read.value, outputs);
    }
    made.gradient = made.value;
    if (layer.kind == FrozenLayer::Kind::kConv) made.gradient.border = reach(made.phases, made.value);
    const bool pointwise = layer.kind == FrozenLayer::Kind::kPointwise;
    made.scale = values_of(pointwise ? layer.weight : at::Tensor(), made.value.channels, 1);
    made.shift = values_of(pointwise ? layer.bias : at::Tensor(), made.value.channels, 0);
    if (!layer.activation) continue;
    made.slopes = plan.slope_count;
    plan.slope_count += made.value.channels * made.value.height * made.value.width;
  }
  assign_slots(plan, layers);
  return plan;
}

MapWorkspace::MapWorkspace(const MapPlan& plan) {
  const bool halves = kernels::cpu_kernels().image.convolution_bfloat16 != nullptr;
  const auto allocate = [&](const std::vector<MapShape>& slots, auto& wide, auto& narrow) {
    for (const MapShape& shape : slots) {
      wide.emplace_back(static_cast<size_t>(shape.size()));
      narrow.emplace_back(static_cast<size_t>(halves ? shape.size() : 0));
    }
  };
  allocate(plan.values, values, narrow_values);
  allocate(plan.gradients, gradients, narrow_gradients);
}

}  // namespace selfgrad
