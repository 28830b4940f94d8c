// A data set: uint8 NCHW pixels and integer labels, filled once and then only read. The pixels are in memory,
// or in a file that is mapped into it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace selfgrad {

struct ImageShape {
  int64_t channels = 0, height = 0, width = 0;
  int64_t size() const { return channels * height * width; }
};

/// Images in a file: rows of C*H*W bytes.
struct MappedImages {
  int descriptor = -1;          ///< of the open file; may be closed once the set is made
  int64_t offset = 0;           ///< bytes before the first row
  int64_t rows = 0;             ///< in the file
  std::vector<int64_t> places;  ///< the row of each image of the set; empty: all rows in their order
};

class Dataset {
 public:
  /// Reserves room for `count` images. @throws Error("ERR_DATA") when a size is not positive.
  Dataset(int64_t count, ImageShape shape, int64_t classes);

  /// Maps images that lie in a file; one label an image of the set.
  /// @throws Error("ERR_DATA") for sizes, rows or labels that do not fit, Error("ERR_LABEL") as `append`.
  Dataset(const MappedImages& file, const std::vector<int32_t>& labels, ImageShape shape, int64_t classes);

  /// Copies `n` images (n*C*H*W bytes) and labels behind what is there.
  /// @throws Error("ERR_DATA") past the reserved count, Error("ERR_LABEL") for a label outside 0 … classes-1.
  void append(const uint8_t* images, const int32_t* labels, int64_t n);

  int64_t count() const { return count_; }
  int64_t filled() const { return filled_; }
  int64_t classes() const { return classes_; }
  const ImageShape& shape() const { return shape_; }
  const uint8_t* pixels(int64_t index) const;
  /// (rows, C, H, W) uint8: all images, in the rows that `rows_of` says.
  const at::Tensor& all_pixels() const { return images_; }
  /// Rows of `all_pixels` of (N) int64 indices.
  at::Tensor rows_of(const at::Tensor& indices) const;
  int64_t label(int64_t index) const;
  /// Brings the images of (N) int64 indices into memory while other work goes on, where they lie in a file.
  void will_need(const at::Tensor& indices) const;

  /// (N) int64 labels of the given (N) int64 indices.
  at::Tensor labels(const at::Tensor& indices) const;
  /// (N, C, H, W) float32 in [0, 1], channels-last, of the given (N) int64 indices.
  at::Tensor images(const at::Tensor& indices) const;
  /// Per-channel mean and standard deviation over all images, in [0, 1] units.
  void statistics(std::vector<double>& mean, std::vector<double>& std) const;

 private:
  /// Behind the labels that are there. @throws Error("ERR_DATA"), Error("ERR_LABEL") as `append`.
  void append_labels(const int32_t* labels, int64_t n);
  int64_t count_, filled_ = 0, classes_;
  ImageShape shape_;
  at::Tensor images_;  // (rows, C, H, W) uint8
  at::Tensor places_;  // (N) int64: the row of each image; undefined: its index
  at::Tensor labels_;  // (N) int64
  bool mapped_ = false;
};

}  // namespace selfgrad
