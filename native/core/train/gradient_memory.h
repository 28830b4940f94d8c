// The memory of the input tap: for every training image the perturbation that it was last trained on, in the
// frame of the un-augmented image, one signed byte a pixel. Of several ranks each keeps its share.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "data/augment.h"
#include "distributed/world.h"
#include "io/safetensors.h"

namespace selfgrad {

/// What is remembered of N images.
struct Memories {
  at::Tensor delta;    ///< (N, C, H, W) float32, channels-last: perturbations seen through the transforms
  at::Tensor visited;  ///< (N) bool: has this image been written before?
};

class GradientMemory {
 public:
  /// All zero and unvisited. Perturbations lie in ±scale (pixel units); a byte is scale / 127. They are kept
  /// on `device` where they fit; in the host's memory, in a file of `folder` that is mapped into memory and
  /// vanishes with the process; '': without one.
  /// @throws Error("ERR_WRITE") when that file cannot be made: disk full, no permission.
  /// All ranks of the world make the same calls, each for its own indices.
  GradientMemory(int64_t count, const ImageShape& shape, double scale, const std::string& folder = "",
                 at::Device device = at::kCPU, WorldPtr world = c10::make_intrusive<World>());

  /// The perturbations on the device, `visited` on the CPU.
  Memories read(const at::Tensor& indices, const std::vector<Transform>& transforms) const;
  /// Brings what is remembered of these images into memory while other work goes on, where it lies in a file.
  /// Not for what other ranks keep.
  void will_need(const at::Tensor& indices) const;
  /// Zero and unvisited again.
  void forget(const at::Tensor& indices);
  /// Stores perturbations through the inverse transforms; pixels that the crop hid keep what they had.
  void write(const at::Tensor& indices, const std::vector<Transform>& transforms, const at::Tensor& delta);

  /// `memory.delta` and `memory.visited`, shared: this rank's of `count()` rows.
  NamedTensors rows() const { return {{"memory.delta", delta_}, {"memory.visited", visited_}}; }
  int64_t count() const { return count_; }

 private:
  int64_t count_;
  WorldPtr world_;
  at::Tensor delta_;    // (M, C, H, W) int8
  bool mapped_;         // does `delta_` lie in a file?
  at::Tensor visited_;  // (M) bool
  float unit_;
  at::Device device_;
};

}  // namespace selfgrad
