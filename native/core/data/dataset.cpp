#include "data/dataset.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "error.h"
#include "io/mapped_file.h"

namespace selfgrad {

namespace {

std::vector<int64_t> sizes(int64_t rows, const ImageShape& shape) {
  return {rows, shape.channels, shape.height, shape.width};
}

void check(int64_t count, const ImageShape& shape, int64_t classes) {
  if (count >= 1 && shape.channels >= 1 && shape.height >= 1 && shape.width >= 1 && classes >= 2) return;
  throw Error("ERR_DATA",
              "Expected at least one image, one pixel and two classes for a data set but received " +
                  std::to_string(count) + " images of " + std::to_string(shape.channels) + "x" +
                  std::to_string(shape.height) + "x" + std::to_string(shape.width) + " in " +
                  std::to_string(classes) + " classes.");
}

}  // namespace

Dataset::Dataset(int64_t count, ImageShape shape, int64_t classes)
    : count_(count), classes_(classes), shape_(shape) {
  check(count, shape, classes);
  images_ = at::empty(sizes(count, shape), at::kByte);
  labels_ = at::empty({count}, at::kLong);
}

Dataset::Dataset(const MappedImages& file, const std::vector<int32_t>& labels, ImageShape shape,
                 int64_t classes)
    : count_(static_cast<int64_t>(labels.size())), classes_(classes), shape_(shape), mapped_(true) {
  check(count_, shape, classes);
  const auto places = static_cast<int64_t>(file.places.size());
  if (count_ != (places == 0 ? file.rows : places))
    throw Error("ERR_DATA",
                "Expected a label for each image of the file but received " + std::to_string(count_) + ".");
  images_ = view_of(std::make_shared<MappedFile>(file.descriptor), static_cast<uint64_t>(file.offset),
                    sizes(file.rows, shape), at::kByte);
  if (places > 0) {
    for (const int64_t row : file.places)
      if (row < 0 || row >= file.rows)
        throw Error("ERR_DATA", "Expected an image below " + std::to_string(file.rows) +
                                    " of the file but received " + std::to_string(row) + ".");
    places_ = at::tensor(file.places, at::kLong);
  }
  labels_ = at::empty({count_}, at::kLong);
  append_labels(labels.data(), count_);
}

void Dataset::append_labels(const int32_t* labels, int64_t n) {
  if (n > count_ - filled_)
    throw Error("ERR_DATA", "Expected at most " + std::to_string(count_) + " images but received " +
                                std::to_string(filled_ + n) + ".");
  auto* label = labels_.mutable_data_ptr<int64_t>() + filled_;
  for (int64_t i = 0; i < n; ++i) {
    if (labels[i] < 0 || labels[i] >= classes_)
      throw Error("ERR_LABEL", "Label " + std::to_string(labels[i]) + " at index " +
                                   std::to_string(filled_ + i) + " is outside 0…" +
                                   std::to_string(classes_ - 1) + " (" + std::to_string(classes_) +
                                   " classes).");
    label[i] = labels[i];
  }
  filled_ += n;
}

void Dataset::append(const uint8_t* images, const int32_t* labels, int64_t n) {
  const int64_t before = filled_;
  append_labels(labels, n);
  std::copy_n(images, n * shape_.size(), images_.mutable_data_ptr<uint8_t>() + before * shape_.size());
}

const uint8_t* Dataset::pixels(int64_t index) const {
  const int64_t row = places_.defined() ? places_.const_data_ptr<int64_t>()[index] : index;
  return images_.const_data_ptr<uint8_t>() + row * shape_.size();
}

int64_t Dataset::label(int64_t index) const {
  return labels_.const_data_ptr<int64_t>()[index];
}

void Dataset::will_need(const at::Tensor& indices) const {
  if (mapped_) selfgrad::will_need(images_, rows_of(indices));
}

at::Tensor Dataset::rows_of(const at::Tensor& indices) const {
  return places_.defined() ? places_.index_select(0, indices) : indices;
}

at::Tensor Dataset::labels(const at::Tensor& indices) const {
  return labels_.index_select(0, indices);
}

at::Tensor Dataset::images(const at::Tensor& indices) const {
  return images_.index_select(0, rows_of(indices))
      .to(at::kFloat)
      .div_(255.0)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

void Dataset::statistics(std::vector<double>& mean, std::vector<double>& std) const {
  // Exact integer sums: the result does not depend on the order of addition.
  std::vector<uint64_t> sum(shape_.channels, 0);
  std::vector<uint64_t> square(shape_.channels, 0);
  const int64_t plane = shape_.height * shape_.width;
  for (int64_t n = 0; n < filled_; ++n)
    for (int64_t c = 0; c < shape_.channels; ++c) {
      const uint8_t* p = pixels(n) + c * plane;
      uint64_t s = 0;
      uint64_t q = 0;
      for (int64_t i = 0; i < plane; ++i) {
        s += p[i];
        q += static_cast<uint64_t>(p[i]) * p[i];
      }
      sum[c] += s;
      square[c] += q;
    }
  const double total = static_cast<double>(filled_ * plane);
  mean.assign(shape_.channels, 0.0);
  std.assign(shape_.channels, 0.0);
  for (int64_t c = 0; c < shape_.channels; ++c) {
    const double m = static_cast<double>(sum[c]) / total;
    mean[c] = m / 255.0;
    std[c] = std::sqrt(std::max(0.0, static_cast<double>(square[c]) / total - m * m)) / 255.0;
  }
}

}  // namespace selfgrad
