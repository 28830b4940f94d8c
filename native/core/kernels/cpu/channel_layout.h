// From tensors to the spans and tables of the CPU's kernels of channels.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "kernels/cpu/table.h"

namespace selfgrad::kernels {

/// One float per channel, repeated to the kernels' period.
using Table = std::vector<float>;

/// How a batch is cut: into chunks whose number depends on its size alone, so that sums come out the same
/// whatever the number of threads.
struct ChannelLayout {
  explicit ChannelLayout(const at::Tensor& x) : channels(x.size(1)), elements(x.numel()) {
    const int64_t width = cpu_kernels().width;
    period = channels / std::gcd(channels, width) * width;
    chunk = std::max<int64_t>(1, kChunk / period) * period;
    chunks = (elements + chunk - 1) / chunk;
  }

  /// `f(index, span)` for every chunk.
  template <class F>
  void for_each(const F& f) const {
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        f(i, Span{i * chunk, std::min(elements, (i + 1) * chunk), period});
    });
  }

  /// `value(c)` of each channel, repeated.
  template <class F>
  Table table(const F& value) const {
    Table table(static_cast<size_t>(period));
    for (int64_t c = 0; c < channels; ++c)
      table[c] = static_cast<float>(value(c));
    for (int64_t i = channels; i < period; ++i)
      table[i] = table[i - channels];
    return table;
  }

  /// Two sums per channel: `add(span, first, second)` adds those of a chunk to tables.
  template <class F>
  std::array<std::vector<double>, 2> sums(const F& add) const {
    std::vector<float> partial(static_cast<size_t>(2 * period * chunks));
    for_each([&](int64_t index, Span span) {
      float* first = partial.data() + 2 * period * index;
      add(span, first, first + period);
    });
    std::array<std::vector<double>, 2> totals;
    for (std::vector<double>& total : totals)
      total.resize(static_cast<size_t>(channels));
    for (int64_t row = 0; row < 2 * chunks; ++row)
      for (int64_t i = 0; i < period; ++i)
        totals[row % 2][i % channels] += partial[row * period + i];
    return totals;
  }

  static constexpr int64_t kChunk = int64_t{1} << 16;
  int64_t channels, elements, period = 0, chunk = 0, chunks = 0;
};

/// `f(storage)` with a value of the storage type of x: float32 or bfloat16.
template <class F>
void for_storage(const at::Tensor& x, const F& f) {
  if (x.scalar_type() == at::kFloat) {
    f(float{});
  } else {
    f(c10::BFloat16{});
  }
}

}  // namespace selfgrad::kernels
