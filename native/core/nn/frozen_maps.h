// What FrozenNetwork works with: where each map of one image lies, which maps share memory, and the weights
// in the order in which the kernels read them, for either direction.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "nn/frozen_layers.h"

namespace selfgrad {

/// A map with channels last inside a border of zeros, which the paddings of its readers reach into.
struct MapShape {
  int64_t channels = 0, height = 0, width = 0, border = 0;

  bool operator==(const MapShape&) const = default;
  int64_t line() const { return (width + 2 * border) * channels; }
  /// Of its first pixel.
  int64_t origin() const { return border * (line() + channels); }
  /// With one number more, which a convolution in bfloat16 may read.
  int64_t size() const { return (height + 2 * border) * line() + 1; }
};

/// A convolution's weights as the kernels read them.
struct PackedWeights {
  std::vector<float> floats;
  std::vector<c10::BFloat16> halves;  ///< empty where the processor has no products of bfloat16

  template <class T>
  const T* data() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return floats.data();
    } else {
      return halves.data();
    }
  }
};

/// A convolution from maps to maps, with its activation.
struct PackedConvolution {
  PackedWeights weights;
  std::vector<float> bias;  ///< whole blocks
};

/// Whether the kernels take it: no groups, and weights that a cache holds. From memory LibTorch reads them
/// once for a batch.
bool is_packable(const FrozenLayer& layer);
PackedConvolution pack_forward(const FrozenLayer& layer);

/// The pixels (row + i stride, column + j stride) of a convolution's input, whose gradient the same weights
/// give: (lines, pixels) of them. Tap t reads the output's row `first_row` - t + i, from column
/// `first_column`
/// + j on. A `group` of neighbouring pixels of few channels is computed as one of many, from all `columns`
/// that they read.
struct Phase {
  int64_t row, column, lines, pixels, group;
  int64_t taps, columns, first_row, first_column;
  PackedWeights weights;
};

/// What a layer needs beside FrozenLayer.
struct MapLayer {
  MapShape value, gradient;
  int64_t value_slot = -1, gradient_slot = -1;  ///< -1: not in the workspace
  bool read_by_convolution = false;
  int64_t slopes = -1;              ///< place of the activation's derivatives among an image's
  std::vector<float> scale, shift;  ///< of pointwise layers and of activations
  PackedConvolution convolution;
  std::vector<Phase> phases;
};

struct MapPlan {
  std::vector<MapLayer> layers;             ///< as many as are computed image by image
  std::vector<MapShape> values, gradients;  ///< of the slots
  int64_t slope_count = 0;
};

/// For images of this shape; without layers where none can be computed so.
MapPlan plan_maps(const std::vector<FrozenLayer>& layers, const ImageShape& shape);

/// The memory of one image on its way.
struct MapWorkspace {
  explicit MapWorkspace(const MapPlan& plan);
  std::vector<std::vector<float>> values, gradients;
  std::vector<std::vector<c10::BFloat16>> narrow_values, narrow_gradients;
};

}  // namespace selfgrad
