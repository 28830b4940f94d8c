#include "evaluate/stored_images.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace selfgrad {

StoredImages::StoredImages(std::string folder, int64_t map_above)
    : folder_(std::move(folder)), map_above_(map_above) {}

void StoredImages::add(const at::Tensor& images) {
  // Channels-last keeps the bytes of an image together, as the networks read them.
  const at::Tensor block = images.cpu().contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t n = block.size(0);
  if (n == 0) return;
  shape_ = block.sizes().vec();
  image_bytes_ = static_cast<int64_t>(block.nbytes()) / n;
  if (!file_ && (count_ + n) * image_bytes_ > map_above_) file_ = std::make_unique<ScratchFile>(folder_);
  if (file_) {
    file_->write(block.const_data_ptr(), block.nbytes());
  } else {
    blocks_.push_back(block);
    starts_.push_back(count_);
    held_ += n;
  }
  count_ += n;
}

at::Tensor StoredImages::select(const at::Tensor& numbers) const {
  std::vector<int64_t> sizes = shape_;
  sizes[0] = numbers.size(0);
  at::Tensor out =
      at::empty(sizes, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  auto* to = static_cast<char*>(out.mutable_data_ptr());
  const auto* number = numbers.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < sizes[0]; ++i, to += image_bytes_) {
    if (number[i] >= held_) {
      file_->read(to, image_bytes_, static_cast<uint64_t>(number[i] - held_) * image_bytes_);
      continue;
    }
    const auto block = std::upper_bound(starts_.begin(), starts_.end(), number[i]) - starts_.begin() - 1;
    const auto* from = static_cast<const char*>(blocks_[block].const_data_ptr());
    std::memcpy(to, from + (number[i] - starts_[block]) * image_bytes_, image_bytes_);
  }
  return out;
}

}  // namespace selfgrad
