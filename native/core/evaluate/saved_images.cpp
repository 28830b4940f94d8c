#include "evaluate/saved_images.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <cstring>
#include <vector>

namespace selfgrad {

void save_images(const std::string& path, const Metadata& metadata, const Dataset& data, int64_t first,
                 const EvaluateResult& result) {
  std::vector<int64_t> labels;
  std::vector<int64_t> indices;
  std::vector<int64_t> attacks;
  for (int64_t place = 0; place < result.count; ++place) {
    if (result.broken_by[place] < 0) continue;
    labels.push_back(result.labels[place]);
    indices.push_back(first + place);
    attacks.push_back(result.broken_by[place]);
  }
  at::Tensor originals = at::empty(result.adversarial.sizes(), at::kByte);
  const int64_t size = data.shape().size();
  for (size_t row = 0; row < indices.size(); ++row)
    std::memcpy(originals.data_ptr<uint8_t>() + row * size, data.pixels(indices[row]), size);
  Metadata with = metadata;
  with[kChecksumKey] = "";
  write_safetensors(path, with,
                    {{"images", result.adversarial},
                     {"originals", originals},
                     {"labels", at::tensor(labels, at::kLong)},
                     {"indices", at::tensor(indices, at::kLong)},
                     {"attacks", at::tensor(attacks, at::kLong)}});
}

}  // namespace selfgrad
