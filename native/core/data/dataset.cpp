#include "data/dataset.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>
#include <string>

#include "error.h"

namespace selfgrad {

Dataset::Dataset(int64_t count, ImageShape shape, int64_t classes)
    : count_(count), classes_(classes), shape_(shape) {
  if (count < 1 || shape.channels < 1 || shape.height < 1 || shape.width < 1 || classes < 2)
    throw Error("ERR_DATA",
                "Expected at least one image, one pixel and two classes for a data set but received " +
                    std::to_string(count) + " images of " + std::to_string(shape.channels) + "x" +
                    std::to_string(shape.height) + "x" + std::to_string(shape.width) + " in " +
                    std::to_string(classes) + " classes.");
  images_ = at::empty({count, shape.channels, shape.height, shape.width}, at::kByte);
  labels_ = at::empty({count}, at::kLong);
}

void Dataset::append(const uint8_t* images, const int32_t* labels, int64_t n) {
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
  std::memcpy(images_.mutable_data_ptr<uint8_t>() + filled_ * shape_.size(), images,
              static_cast<size_t>(n * shape_.size()));
  filled_ += n;
}

const uint8_t* Dataset::pixels(int64_t index) const {
  return images_.const_data_ptr<uint8_t>() + index * shape_.size();
}

int64_t Dataset::label(int64_t index) const {
  return labels_.const_data_ptr<int64_t>()[index];
}

at::Tensor Dataset::labels(const at::Tensor& indices) const {
  return labels_.index_select(0, indices);
}

at::Tensor Dataset::images(const at::Tensor& indices) const {
  return images_.index_select(0, indices)
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
