// Random crop of a zero-padded image and horizontal flip, with the exact inverse that a per-example memory
// in the frame of the un-augmented image needs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "tensor/philox.h"

namespace selfgrad {

struct AugmentOptions {
  int64_t crop = 4;  ///< pixels of zero padding on each side; 0 for none
  bool flip = true;  ///< mirror left-right with probability 1/2
};

/// Where the pixels of one augmented image come from: out(y, x) = in(y + dy, (flip ? W-1-x : x) + dx).
struct Transform {
  int32_t dy = 0, dx = 0;
  bool flip = false;
};

/// Transforms as (N, 3) int32: dy, dx, flip.
at::Tensor pack_transforms(const std::vector<Transform>& transforms);
std::vector<Transform> unpack_transforms(const at::Tensor& packed);

/// The transforms of the given examples in epoch `key.round`; a function of the key and the index alone.
std::vector<Transform> draw_transforms(const AugmentOptions& options, const DrawKey& key,
                                       const at::Tensor& indices);

/// (N, C, H, W) float32 in [0, 1], channels-last; pixels from outside the image are 0. `pixels` (M, C, H, W)
/// uint8 are the images of a data set; the result is on their device.
at::Tensor augment_images(const at::Tensor& pixels, const at::Tensor& indices,
                          const std::vector<Transform>& transforms);

/// Rows `indices` of `memory` (M, C, H, W) int8 seen through the transforms, times `scale`: (N, C, H, W)
/// float32, channels-last, on the memory's device; 0 outside the image.
at::Tensor read_through(const at::Tensor& memory, const at::Tensor& indices,
                        const std::vector<Transform>& transforms, float scale);

/// The inverse: writes round(values / scale) of every visible pixel back to its place; invisible ones keep
/// theirs. `values` are on the memory's device.
void write_through(at::Tensor& memory, const at::Tensor& indices, const std::vector<Transform>& transforms,
                   const at::Tensor& values, float scale);

}  // namespace selfgrad
