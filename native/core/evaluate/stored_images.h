// Adversarial images on their way to the second count: in memory while they are few, then in a file without a
// name.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "io/mapped_file.h"
#include "io/scratch_file.h"

namespace selfgrad {

/// Images of one shape, float32, numbered in the order in which they were added.
class StoredImages {
 public:
  /// What has more than `map_above` bytes together goes to a file of `folder`.
  explicit StoredImages(std::string folder, int64_t map_above = kMapAbove);

  /// (N, C, H, W) on any device. @throws Error("ERR_WRITE") when the file cannot be written.
  void add(const at::Tensor& images);
  /// Those of the given (M) int64 numbers: (M, C, H, W) on the CPU, channels-last.
  at::Tensor select(const at::Tensor& numbers) const;

 private:
  std::string folder_;
  int64_t map_above_;
  int64_t image_bytes_ = 0;
  std::vector<int64_t> shape_;      ///< of the last block that was added
  std::vector<at::Tensor> blocks_;  ///< channels-last
  std::vector<int64_t> starts_;     ///< number of each block's first image
  int64_t held_ = 0;                ///< images in memory; the others are in the file
  int64_t count_ = 0;
  std::unique_ptr<ScratchFile> file_;
};

}  // namespace selfgrad
