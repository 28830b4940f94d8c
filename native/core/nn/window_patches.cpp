#include "nn/window_patches.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

namespace selfgrad {
namespace {

constexpr int64_t kImagesPerTask = 16;

/// Pixels of a channels-last image, or of a rectangle of one whose first pixel lies at (row, column) of it.
template <class T>
struct Pixels {
  T* data;
  int64_t row, column, height, width, channels;

  T* at(int64_t y, int64_t x) const { return data + ((y - row) * width + (x - column)) * channels; }
};

/// Copies what the two rectangles share.
void copy_shared(const Pixels<const float>& from, const Pixels<float>& to) {
  const int64_t top = std::max(from.row, to.row);
  const int64_t bottom = std::min(from.row + from.height, to.row + to.height);
  const int64_t left = std::max(from.column, to.column);
  const int64_t right = std::min(from.column + from.width, to.column + to.width);
  if (left >= right) return;
  const auto bytes = static_cast<size_t>((right - left) * to.channels) * sizeof(float);
  for (int64_t y = top; y < bottom; ++y)
    std::memcpy(to.at(y, left), from.at(y, left), bytes);
}

/// Image i of channels-last x, whose first pixel lies at (row, column) of the map.
template <class T>
Pixels<T> pixels_of(T* data, const at::Tensor& x, int64_t i, int64_t row, int64_t column) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  return {data + i * channels * height * width, row, column, height, width, channels};
}

}  // namespace

Area whole_area(int64_t count, int64_t height, int64_t width) {
  const std::vector<int64_t> zeros(static_cast<size_t>(count));
  return {zeros, zeros, height, width};
}

at::Tensor cut(const at::Tensor& known, const std::vector<int64_t>& rows, const Area& area,
               const Patch* fresh, float outside) {
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t channels = known.size(1);
  at::Tensor out = at::empty({count, channels, area.height, area.width},
                             known.options().memory_format(at::MemoryFormat::ChannelsLast));
  auto* data = out.mutable_data_ptr<float>();
  at::parallel_for(0, count, kImagesPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = area.row[i], column = area.column[i];
      const auto to = pixels_of(data, out, i, row, column);
      const bool inside = row >= 0 && column >= 0 && row + area.height <= known.size(2) &&
                          column + area.width <= known.size(3);
      if (!inside) std::fill_n(to.data, channels * area.height * area.width, outside);
      copy_shared(pixels_of(known.const_data_ptr<float>(), known, rows[i], 0, 0), to);
      if (fresh != nullptr) {
        copy_shared(pixels_of(fresh->values.const_data_ptr<float>(), fresh->values, i, fresh->area.row[i],
                              fresh->area.column[i]),
                    to);
      }
    }
  });
  return out;
}

void put_back(at::Tensor& known, const std::vector<int64_t>& rows, const Patch& patch,
              const std::vector<bool>& chosen) {
  auto* data = known.mutable_data_ptr<float>();
  const auto* values = patch.values.const_data_ptr<float>();
  at::parallel_for(0, static_cast<int64_t>(rows.size()), kImagesPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (!chosen[i]) continue;
      copy_shared(pixels_of(values, patch.values, i, patch.area.row[i], patch.area.column[i]),
                  pixels_of(data, known, rows[i], 0, 0));
    }
  });
}

}  // namespace selfgrad
