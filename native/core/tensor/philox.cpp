#include "tensor/philox.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "kernels/cuda/table.h"
#include "kernels/philox.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

// Examples per parallel task: small enough to share a batch of 128 among many cores.
constexpr int64_t kGrain = 8;

template <typename FillExample>
at::Tensor fill_examples(const at::Tensor& indices, at::IntArrayRef example_shape, const FillExample& fill) {
  std::vector<int64_t> shape{indices.size(0)};
  shape.insert(shape.end(), example_shape.begin(), example_shape.end());
  at::Tensor out = at::empty(shape, at::kFloat);
  const int64_t size = indices.size(0) == 0 ? 0 : out.numel() / indices.size(0);
  const at::Tensor order = indices.contiguous();
  const int64_t* index = order.const_data_ptr<int64_t>();
  float* data = out.mutable_data_ptr<float>();
  at::parallel_for(0, indices.size(0), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      fill(static_cast<uint32_t>(index[n]), data + n * size, size);
  });
  return out;
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  const auto& w = counter;
  const auto block = kernels::philox4x32({{w[0], w[1], w[2], w[3]}}, key[0], key[1]);
  return {block.words[0], block.words[1], block.words[2], block.words[3]};
}

std::array<uint32_t, 4> draw_block(const DrawKey& key, uint32_t example, uint32_t block) {
  return philox4x32({block, example, key.round, static_cast<uint32_t>(key.purpose)},
                    {static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)});
}

at::Tensor uniform(const DrawKey& key, const at::Tensor& indices, at::IntArrayRef example_shape, double low,
                   double high, int64_t first_block, at::Device device) {
  const auto offset = static_cast<float>(low);
  const auto range = static_cast<float>(high - low);
  if (const auto* cuda = kernels::cuda_kernels_of(device)) {
    std::vector<int64_t> shape{indices.size(0)};
    shape.insert(shape.end(), example_shape.begin(), example_shape.end());
    const kernels::CudaDraw draw{key.seed, static_cast<uint32_t>(key.purpose), key.round, first_block};
    return cuda->uniform(draw, upload(indices, device), c10::multiply_integers(example_shape), offset, range)
        .view(shape);
  }
  const auto fill = [&](uint32_t example, float* out, int64_t size) {
    for (int64_t i = 0; i < size; i += 4) {
      const auto words = draw_block(key, example, static_cast<uint32_t>(first_block + i / 4));
      for (int64_t lane = 0; lane < std::min<int64_t>(4, size - i); ++lane)
        out[i + lane] = offset + range * kernels::unit_float(words[lane]);
    }
  };
  return upload(fill_examples(indices, example_shape, fill), device);
}

at::Tensor normal(const DrawKey& key, const at::Tensor& indices, at::IntArrayRef example_shape) {
  return fill_examples(indices, example_shape, [&](uint32_t example, float* out, int64_t size) {
    for (int64_t i = 0; i < size; i += 4) {
      const auto words = draw_block(key, example, static_cast<uint32_t>(i / 4));
      for (int64_t pair = 0; pair < 4 && i + pair < size; pair += 2) {
        // 1 - u lies in (0, 1], so the logarithm is finite.
        const double radius =
            std::sqrt(-2.0 * std::log(1.0 - static_cast<double>(kernels::unit_float(words[pair]))));
        const double angle =
            2.0 * std::numbers::pi * static_cast<double>(kernels::unit_float(words[pair + 1]));
        out[i + pair] = static_cast<float>(radius * std::cos(angle));
        if (i + pair + 1 < size) out[i + pair + 1] = static_cast<float>(radius * std::sin(angle));
      }
    }
  });
}

at::Tensor permutation(const DrawKey& key, int64_t count) {
  std::vector<uint64_t> keys(count);
  for (int64_t n = 0; n < count; ++n) {
    const auto words = draw_block(key, static_cast<uint32_t>(n), 0);
    keys[n] = (static_cast<uint64_t>(words[0]) << 32) | words[1];
  }
  at::Tensor order = at::empty({count}, at::kLong);
  auto* data = order.mutable_data_ptr<int64_t>();
  std::iota(data, data + count, 0);
  // Ties (2^-64 a pair) fall back to the index, so the order is a function of the key alone.
  std::sort(data, data + count,
            [&](int64_t a, int64_t b) { return keys[a] != keys[b] ? keys[a] < keys[b] : a < b; });
  return order;
}

}  // namespace selfgrad
