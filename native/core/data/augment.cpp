#include "data/augment.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "kernels/cuda/table.h"
#include "kernels/see_through.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

constexpr int64_t kImageGrain = 8;

at::Tensor empty_channels_last(int64_t n, const ImageShape& shape) {
  return at::empty({n, shape.channels, shape.height, shape.width},
                   at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
}

// Calls visit(y, x, source_y, source_x) for every pixel of the augmented image whose source lies inside.
template <typename Visit>
void for_visible(const Transform& t, int64_t height, int64_t width, const Visit& visit) {
  for (int64_t y = std::max<int64_t>(0, -t.dy); y < std::min<int64_t>(height, height - t.dy); ++y)
    for (int64_t x = 0; x < width; ++x) {
      const int64_t source = kernels::source_column(x, width, t.dx, t.flip);
      if (source >= 0 && source < width) visit(y, x, y + t.dy, source);
    }
}

// out (NHWC float) = scale * planar in, seen through the transform; 0 outside.
template <typename Pixel>
void read_image(const Pixel* in, const Transform& t, const ImageShape& shape, float scale, float* out) {
  std::fill(out, out + shape.size(), 0.0F);
  const int64_t plane = shape.height * shape.width;
  for_visible(t, shape.height, shape.width, [&](int64_t y, int64_t x, int64_t sy, int64_t sx) {
    float* pixel = out + (y * shape.width + x) * shape.channels;
    const Pixel* source = in + sy * shape.width + sx;
    for (int64_t c = 0; c < shape.channels; ++c)
      pixel[c] = scale * static_cast<float>(source[c * plane]);
  });
}

template <typename Pixel>
at::Tensor seen_through(const at::Tensor& images, const at::Tensor& indices,
                        const std::vector<Transform>& transforms, float scale) {
  if (images.is_cuda())
    return kernels::cuda_kernels()->read_through(images, upload(indices, images.device()),
                                                 upload(pack_transforms(transforms), images.device()), scale);
  const ImageShape shape{images.size(1), images.size(2), images.size(3)};
  const at::Tensor order = indices.contiguous();
  const int64_t* index = order.const_data_ptr<int64_t>();
  const Pixel* rows = images.const_data_ptr<Pixel>();
  at::Tensor out = empty_channels_last(indices.size(0), shape);
  auto* values = out.mutable_data_ptr<float>();
  at::parallel_for(0, indices.size(0), kImageGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      read_image(rows + index[n] * shape.size(), transforms[n], shape, scale, values + n * shape.size());
  });
  return out;
}

}  // namespace

at::Tensor pack_transforms(const std::vector<Transform>& transforms) {
  at::Tensor packed = at::empty({static_cast<int64_t>(transforms.size()), 3}, at::kInt);
  auto* row = packed.mutable_data_ptr<int32_t>();
  for (const Transform& t : transforms) {
    *row++ = t.dy;
    *row++ = t.dx;
    *row++ = t.flip ? 1 : 0;
  }
  return packed;
}

std::vector<Transform> unpack_transforms(const at::Tensor& packed) {
  std::vector<Transform> transforms(packed.size(0));
  const auto* row = packed.const_data_ptr<int32_t>();
  for (Transform& t : transforms) {
    t = {row[0], row[1], row[2] != 0};
    row += 3;
  }
  return transforms;
}

std::vector<Transform> draw_transforms(const AugmentOptions& options, const DrawKey& key,
                                       const at::Tensor& indices) {
  const at::Tensor order = indices.contiguous();
  const int64_t* index = order.const_data_ptr<int64_t>();
  std::vector<Transform> transforms(indices.size(0));
  const auto choices = static_cast<uint64_t>(2 * options.crop + 1);
  // Multiply-shift maps a word to 0 … choices-1 with a bias below 2^-28.
  const auto offset = [&](uint32_t word) {
    return static_cast<int32_t>((static_cast<uint64_t>(word) * choices) >> 32) -
           static_cast<int32_t>(options.crop);
  };
  for (size_t n = 0; n < transforms.size(); ++n) {
    const auto words = draw_block(key, static_cast<uint32_t>(index[n]), 0);
    transforms[n] = {offset(words[0]), offset(words[1]), options.flip && (words[2] >> 31) != 0};
  }
  return transforms;
}

at::Tensor augment_images(const at::Tensor& pixels, const at::Tensor& indices,
                          const std::vector<Transform>& transforms) {
  return seen_through<uint8_t>(pixels, indices, transforms, 1.0F / 255.0F);
}

at::Tensor read_through(const at::Tensor& memory, const at::Tensor& indices,
                        const std::vector<Transform>& transforms, float scale) {
  return seen_through<int8_t>(memory, indices, transforms, scale);
}

void write_through(at::Tensor& memory, const at::Tensor& indices, const std::vector<Transform>& transforms,
                   const at::Tensor& values, float scale) {
  if (memory.is_cuda()) {
    kernels::cuda_kernels()->write_through(memory, upload(indices, memory.device()),
                                           upload(pack_transforms(transforms), memory.device()),
                                           values.contiguous(at::MemoryFormat::ChannelsLast), scale);
    return;
  }
  const ImageShape shape{memory.size(1), memory.size(2), memory.size(3)};
  const int64_t plane = shape.height * shape.width;
  const at::Tensor order = indices.contiguous();
  const int64_t* index = order.const_data_ptr<int64_t>();
  const at::Tensor source = values.contiguous(at::MemoryFormat::ChannelsLast);
  const float* in = source.const_data_ptr<float>();
  auto* rows = memory.mutable_data_ptr<int8_t>();
  at::parallel_for(0, indices.size(0), kImageGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      int8_t* row = rows + index[n] * shape.size();
      const float* image = in + n * shape.size();
      for_visible(transforms[n], shape.height, shape.width,
                  [&](int64_t y, int64_t x, int64_t sy, int64_t sx) {
                    const float* pixel = image + (y * shape.width + x) * shape.channels;
                    int8_t* target = row + sy * shape.width + sx;
                    for (int64_t c = 0; c < shape.channels; ++c)
                      target[c * plane] = kernels::quantized(pixel[c], scale);
                  });
    }
  });
}

}  // namespace selfgrad
