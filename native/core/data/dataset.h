// A resident data set: uint8 NCHW pixels and integer labels, filled once and then only read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace selfgrad {

struct ImageShape {
  int64_t channels = 0, height = 0, width = 0;
  int64_t size() const { return channels * height * width; }
};

class Dataset {
 public:
  /// Reserves room for `count` images. @throws Error("ERR_DATA") when a size is not positive.
  Dataset(int64_t count, ImageShape shape, int64_t classes);

  /// Copies `n` images (n*C*H*W bytes) and labels behind what is there.
  /// @throws Error("ERR_DATA") past the reserved count, Error("ERR_LABEL") for a label outside 0 … classes-1.
  void append(const uint8_t* images, const int32_t* labels, int64_t n);

  int64_t count() const { return count_; }
  int64_t filled() const { return filled_; }
  int64_t classes() const { return classes_; }
  const ImageShape& shape() const { return shape_; }
  const uint8_t* pixels(int64_t index) const;
  int64_t label(int64_t index) const;

  /// (N) int64 labels of the given (N) int64 indices.
  at::Tensor labels(const at::Tensor& indices) const;
  /// (N, C, H, W) float32 in [0, 1], channels-last, of the given (N) int64 indices.
  at::Tensor images(const at::Tensor& indices) const;
  /// Per-channel mean and standard deviation over all images, in [0, 1] units.
  void statistics(std::vector<double>& mean, std::vector<double>& std) const;

 private:
  int64_t count_, filled_ = 0, classes_;
  ImageShape shape_;
  at::Tensor images_;  // (N, C, H, W) uint8
  at::Tensor labels_;  // (N) int64
};

}  // namespace selfgrad
