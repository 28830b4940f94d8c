// Rectangles of activations: cut out of known values, and put back into them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace selfgrad {

/// A rectangle of one size in every image, at a place of its own; height 0 and width 0: none.
struct Area {
  std::vector<int64_t> row, column;  ///< of its first pixel
  int64_t height = 0, width = 0;

  bool covers(int64_t map_height, int64_t map_width) const {
    return height == map_height && width == map_width;
  }
  bool operator==(const Area&) const = default;
};

/// The whole of maps (H, W) of `count` images.
Area whole_area(int64_t count, int64_t height, int64_t width);

/// Values of an area: (M, C, height, width) channels-last.
struct Patch {
  at::Tensor values;
  Area area;
};

/// What `area` (which may reach beyond the map: `outside` there) holds of `known` (N, C, H, W) channels-last,
/// in its images rows[0 … M-1], with `fresh` laid over it. float32.
at::Tensor cut(const at::Tensor& known, const std::vector<int64_t>& rows, const Area& area,
               const Patch* fresh, float outside = 0);

/// Writes the patch into `known`, for the images i of the patch with chosen[i], at rows[i].
void put_back(at::Tensor& known, const std::vector<int64_t>& rows, const Patch& patch,
              const std::vector<bool>& chosen);

}  // namespace selfgrad
