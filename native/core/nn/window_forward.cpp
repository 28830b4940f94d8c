// Which pixels a window reaches, layer by layer.
#include "nn/window_forward.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>

#include "kernels/cpu/table.h"

namespace selfgrad {
namespace {

// From this share of its pixels on, the whole map costs less than a part with its margins.
constexpr double kWhole = 0.7;

bool nearly_whole(const Area& area, int64_t height, int64_t width) {
  return static_cast<double>(area.height * area.width) >= kWhole * static_cast<double>(height * width);
}

/// One axis of what a convolution or pool makes of `extent` pixels from `first` on.
struct Reach {
  int64_t kernel, stride, padding, size;

  int64_t extent(int64_t read) const { return std::min(size, (read + kernel - 2) / stride + 1); }
  std::vector<int64_t> first(const std::vector<int64_t>& read, int64_t extent) const {
    std::vector<int64_t> made;
    made.reserve(read.size());
    for (const int64_t place : read) {
      const int64_t reaches = std::max<int64_t>(0, place + padding - kernel + 1);
      made.push_back(std::min((reaches + stride - 1) / stride, size - extent));
    }
    return made;
  }
};

std::vector<int64_t> read_from(const std::vector<int64_t>& made, const FrozenLayer& layer) {
  std::vector<int64_t> read;
  read.reserve(made.size());
  for (const int64_t place : made)
    read.push_back(place * layer.stride - layer.padding);
  return read;
}

/// The smallest rectangles of one size around both, within the map.
Area united(const Area& a, const Area& b, int64_t height, int64_t width) {
  const auto axis = [](const std::vector<int64_t>& first, int64_t extent, const std::vector<int64_t>& other,
                       int64_t other_extent, int64_t size, std::vector<int64_t>& out) {
    int64_t longest = 0;
    for (size_t i = 0; i < first.size(); ++i) {
      out.push_back(std::min(first[i], other[i]));
      longest = std::max(longest, std::max(first[i] + extent, other[i] + other_extent) - out.back());
    }
    for (int64_t& place : out)
      place = std::min(place, size - longest);
    return longest;
  };
  Area both;
  both.height = axis(a.row, a.height, b.row, b.height, height, both.row);
  both.width = axis(a.column, a.width, b.column, b.width, width, both.column);
  return both;
}

}  // namespace

WindowForward::WindowForward(const LayerGraph& graph) : layers_(freeze(graph)) {
  for (const FrozenLayer& layer : layers_)
    packed_.push_back(layer.kind == FrozenLayer::Kind::kConv && is_packable(layer) ? pack_forward(layer)
                                                                                   : PackedConvolution{});
}

at::Tensor WindowForward::start(const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  known_.clear();
  for (const FrozenLayer& layer : layers_) {
    if (layer.kind == FrozenLayer::Kind::kInput) {
      known_.push_back(images.clone(at::MemoryFormat::ChannelsLast));
    } else if (layer.kind == FrozenLayer::Kind::kAdd) {
      known_.push_back(known_[layer.input] + known_[layer.other]);
    } else {
      known_.push_back(apply(layer, known_[layer.input], layer.padding));
    }
    at::Tensor& made = known_.back();
    if (made.dim() == 4) made = made.contiguous(at::MemoryFormat::ChannelsLast);
  }
  return known_.back();
}

Area WindowForward::reached(const FrozenLayer& layer, const Area& read, int64_t place) const {
  const int64_t height = known_[place].size(2), width = known_[place].size(3);
  const Reach rows{layer.kernel, layer.stride, layer.padding, height};
  const Reach columns{layer.kernel, layer.stride, layer.padding, width};
  Area made{.row = {}, .column = {}, .height = rows.extent(read.height), .width = columns.extent(read.width)};
  if (nearly_whole(made, height, width)) return whole_area(static_cast<int64_t>(rows_.size()), height, width);
  made.row = rows.first(read.row, made.height);
  made.column = columns.first(read.column, made.width);
  return made;
}

at::Tensor WindowForward::values_at(int64_t place, const Area& area) const {
  const Patch& patch = patches_[place];
  return patch.area == area ? patch.values : cut(known_[place], rows_, area, &patch);
}

at::Tensor WindowForward::whole(int64_t place) const {
  const at::Tensor& known = known_[place];
  return values_at(place, whole_area(static_cast<int64_t>(rows_.size()), known.size(2), known.size(3)));
}

/// The pixels `made` of a convolution from all that they read, (M, C, H, W) channels-last.
at::Tensor WindowForward::convolved(int64_t place, const at::Tensor& read, const Area& made) const {
  const FrozenLayer& layer = layers_[place];
  const PackedConvolution& packed = packed_[place];
  if (packed.bias.empty()) return apply(layer, read, 0);
  const kernels::ImageKernels& kernels = kernels::cpu_kernels().image;
  const int64_t inputs = read.size(1), outputs = layer.weight.size(0), line = read.size(3) * inputs;
  const int64_t pixels = made.height * made.width;
  at::Tensor out = at::empty({read.size(0), outputs, made.height, made.width},
                             read.options().memory_format(at::MemoryFormat::ChannelsLast));
  const auto* from = read.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<float>();
  const std::vector<float> ones(static_cast<size_t>(outputs), 1.0F), zeros(static_cast<size_t>(outputs));
  at::parallel_for(0, read.size(0), 1, [&](int64_t begin, int64_t end) {
    std::vector<const float*> taps(static_cast<size_t>(layer.kernel));
    for (int64_t i = begin; i < end; ++i) {
      float* const own = to + i * pixels * outputs;
      for (int64_t t = 0; t < layer.kernel; ++t)
        taps[t] = from + (i * read.size(2) + t) * line;
      kernels.convolution_float({.out = own,
                                 .out_line = made.width * outputs,
                                 .out_pixel = outputs,
                                 .in = taps.data(),
                                 .taps = layer.kernel,
                                 .run = layer.kernel * inputs,
                                 .columns = layer.kernel,
                                 .in_line = layer.stride * line,
                                 .in_pixel = layer.stride * inputs,
                                 .lines = made.height,
                                 .pixels = made.width,
                                 .channels = outputs,
                                 .weight = packed.weights.floats.data(),
                                 .bias = packed.bias.data(),
                                 .add = false});
      if (layer.activation)
        kernels.activate(act_of(*layer.activation), own, nullptr, own, ones.data(), zeros.data(), pixels,
                         outputs);
    }
  });
  return out;
}

Patch WindowForward::compute(int64_t place) const {
  const FrozenLayer& layer = layers_[place];
  const Patch& read = patches_[layer.input];
  if (read.values.dim() == 2) return {apply(layer, read.values, 0), {}};
  const int64_t height = known_[layer.input].size(2), width = known_[layer.input].size(3);
  switch (layer.kind) {
    case FrozenLayer::Kind::kConv:
    case FrozenLayer::Kind::kMaxPool:
    case FrozenLayer::Kind::kAveragePool: {
      const Area made = reached(layer, read.area, place);
      const bool convolves = layer.kind == FrozenLayer::Kind::kConv;
      if (made.covers(known_[place].size(2), known_[place].size(3)) && packed_[place].bias.empty())
        return {apply(layer, whole(layer.input), layer.padding), made};
      const auto extent = [&](int64_t pixels) { return (pixels - 1) * layer.stride + layer.kernel; };
      const Area needed{.row = read_from(made.row, layer),
                        .column = read_from(made.column, layer),
                        .height = extent(made.height),
                        .width = extent(made.width)};
      const bool largest = layer.kind == FrozenLayer::Kind::kMaxPool;
      const float outside = largest ? -std::numeric_limits<float>::infinity() : 0;
      const at::Tensor values = cut(known_[layer.input], rows_, needed, &read, outside);
      return {convolves ? convolved(place, values, made) : apply(layer, values, 0), made};
    }
    case FrozenLayer::Kind::kAdd: {
      const Area both = united(read.area, patches_[layer.other].area, height, width);
      return {values_at(layer.input, both) + values_at(layer.other, both), both};
    }
    case FrozenLayer::Kind::kMean:
    case FrozenLayer::Kind::kLinear:
      return {apply(layer, whole(layer.input), 0), {}};
    default:
      return {apply(layer, read.values, 0), read.area};
  }
}

at::Tensor WindowForward::logits(const at::Tensor& tried, const at::Tensor& rows, const Area& windows) {
  const at::NoGradGuard no_grad;
  const auto* row = rows.const_data_ptr<int64_t>();
  rows_.assign(row, row + rows.size(0));
  patches_.clear();
  const at::Tensor images = tried.contiguous(at::MemoryFormat::ChannelsLast);
  std::vector<int64_t> own(rows_.size());
  for (size_t i = 0; i < own.size(); ++i)
    own[i] = static_cast<int64_t>(i);
  patches_.push_back(nearly_whole(windows, images.size(2), images.size(3))
                         ? Patch{images, whole_area(images.size(0), images.size(2), images.size(3))}
                         : Patch{cut(images, own, windows, nullptr), windows});
  for (size_t place = 1; place < layers_.size(); ++place)
    patches_.push_back(compute(static_cast<int64_t>(place)));
  return patches_.back().values;
}

void WindowForward::accept(const at::Tensor& chosen) {
  const auto* mark = chosen.const_data_ptr<bool>();
  const std::vector<bool> marked(mark, mark + chosen.numel());
  for (size_t place = 0; place < layers_.size(); ++place)
    if (known_[place].dim() == 4) put_back(known_[place], rows_, patches_[place], marked);
}

}  // namespace selfgrad
