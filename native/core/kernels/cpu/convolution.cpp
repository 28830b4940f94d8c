// The CPU's loops of convolution.h. A tile of pixels by channels stays in registers over all taps: a weight
// that was loaded serves all of its pixels, a number of the image all of its channels.
#include "kernels/convolution.h"

#include <c10/util/BFloat16.h>

#include <cstring>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/makers.h"
#include "kernels/norm_activation.h"

#if defined(CPU_CAPABILITY_AVX512) && defined(__GNUC__)
#define SELFGRAD_BFLOAT16_PRODUCTS __attribute__((target("avx512bf16")))
#endif

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {
namespace {

// Sums in registers: half of those that there are.
constexpr int kPixels = kLane == 16 ? 8 : 4;
constexpr int kBlocks = 2;

/// The sums of a tile, from the bias to where they are stored.
template <int Blocks, int Pixels>
struct Sums {
  Floats vector[Pixels][Blocks];

  void begin(const float* bias) {
    for (int b = 0; b < Blocks; ++b) {
      const Floats first = bias == nullptr ? Floats(0.0F) : Floats::loadu(bias + b * kLane);
      for (int p = 0; p < Pixels; ++p)
        vector[p][b] = first;
    }
  }

  /// `last`: channels of the last block.
  void finish(float* out, int64_t out_pixel, int64_t last, bool add) const {
    for (int p = 0; p < Pixels; ++p) {
      for (int b = 0; b < Blocks; ++b) {
        float* to = out + p * out_pixel + b * kLane;
        const int64_t count = b + 1 < Blocks ? kLane : last;
        const Floats sum = add ? vector[p][b] + Floats::loadu(to, count) : vector[p][b];
        sum.store(to, static_cast<int>(count));
      }
    }
  }
};

/// Where a tile begins.
template <class T>
struct Corner {
  float* out;
  int64_t in;  ///< from each tap on
  const T* weight;
  const float* bias;
  int64_t last;
};

template <int Blocks, int Pixels>
void tile(const Convolution<float>& c, const Corner<float>& corner) {
  const int64_t block = c.taps * c.run * kLane;
  Sums<Blocks, Pixels> sums;
  sums.begin(corner.bias);
  const float* w = corner.weight;
  for (int64_t t = 0; t < c.taps; ++t) {
    const float* in = c.in[t] + corner.in;
    for (int64_t k = 0; k < c.run; ++k, w += kLane) {
      Floats weights[Blocks];
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b)
        weights[b] = Floats::loadu(w + b * block);
#pragma GCC unroll 8
      for (int p = 0; p < Pixels; ++p) {
        const Floats x(in[p * c.in_pixel + k]);
#pragma GCC unroll 2
        for (int b = 0; b < Blocks; ++b)
          sums.vector[p][b] = at::vec::fmadd(weights[b], x, sums.vector[p][b]);
      }
    }
  }
  sums.finish(corner.out, c.out_pixel, corner.last, c.add);
}

// One block of channels has as many products as numbers of the image: loading those would take as long as
// multiplying. But three columns of a kernel share them with the pixels beside, so each is loaded once for
// three products.
constexpr int64_t kShared = 3;
constexpr int64_t kSharedChannels = 16;

template <class T>
bool shares(const Convolution<T>& c) {
  return c.columns == kShared && c.in_pixel == kSharedChannels && c.run == kShared * kSharedChannels;
}

template <int Pixels>
void shared_tile(const Convolution<float>& c, const Corner<float>& corner) {
  Sums<1, Pixels> sums;
  sums.begin(corner.bias);
  const float* w = corner.weight;
  for (int64_t t = 0; t < c.taps; ++t, w += kShared * kSharedChannels * kLane) {
    const float* in = c.in[t] + corner.in;
    for (int64_t k = 0; k < kSharedChannels; ++k) {
      Floats weights[kShared];
#pragma GCC unroll 3
      for (int64_t d = 0; d < kShared; ++d)
        weights[d] = Floats::loadu(w + (d * kSharedChannels + k) * kLane);
#pragma GCC unroll 18
      for (int64_t column = 0; column < Pixels + kShared - 1; ++column) {
        const Floats x(in[column * kSharedChannels + k]);
#pragma GCC unroll 3
        for (int64_t d = 0; d < kShared; ++d) {
          const int64_t p = column - d;
          if (p >= 0 && p < Pixels) sums.vector[p][0] = at::vec::fmadd(weights[d], x, sums.vector[p][0]);
        }
      }
    }
  }
  sums.finish(corner.out, c.out_pixel, corner.last, c.add);
}

#if defined(SELFGRAD_BFLOAT16_PRODUCTS)
template <int Pixels>
SELFGRAD_BFLOAT16_PRODUCTS void shared_tile(const Convolution<c10::BFloat16>& c,
                                            const Corner<c10::BFloat16>& corner) {
  Sums<1, Pixels> sums;
  sums.begin(corner.bias);
  const c10::BFloat16* w = corner.weight;
  for (int64_t t = 0; t < c.taps; ++t, w += kShared * kSharedChannels * kLane) {
    const c10::BFloat16* in = c.in[t] + corner.in;
    for (int64_t k = 0; k < kSharedChannels; k += 2) {
      __m512bh weights[kShared];
#pragma GCC unroll 3
      for (int64_t d = 0; d < kShared; ++d)
        weights[d] = (__m512bh)_mm512_loadu_si512(w + (d * kSharedChannels + k) * kLane);
#pragma GCC unroll 18
      for (int64_t column = 0; column < Pixels + kShared - 1; ++column) {
        int pair;
        std::memcpy(&pair, in + column * kSharedChannels + k, sizeof pair);
        const auto x = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 3
        for (int64_t d = 0; d < kShared; ++d) {
          const int64_t p = column - d;
          if (p >= 0 && p < Pixels) sums.vector[p][0] = _mm512_dpbf16_ps(sums.vector[p][0], weights[d], x);
        }
      }
    }
  }
  sums.finish(corner.out, c.out_pixel, corner.last, c.add);
}

template <int Blocks, int Pixels>
SELFGRAD_BFLOAT16_PRODUCTS void tile(const Convolution<c10::BFloat16>& c,
                                     const Corner<c10::BFloat16>& corner) {
  const int64_t block = c.taps * c.run * kLane;
  Sums<Blocks, Pixels> sums;
  sums.begin(corner.bias);
  const c10::BFloat16* w = corner.weight;
  for (int64_t t = 0; t < c.taps; ++t) {
    const c10::BFloat16* in = c.in[t] + corner.in;
    for (int64_t k = 0; k < c.run; k += 2, w += 2 * kLane) {
      __m512bh weights[Blocks];
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b)
        weights[b] = (__m512bh)_mm512_loadu_si512(w + b * block);
#pragma GCC unroll 8
      for (int p = 0; p < Pixels; ++p) {
        int pair;
        std::memcpy(&pair, in + p * c.in_pixel + k, sizeof pair);
        const auto x = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
        for (int b = 0; b < Blocks; ++b)
          sums.vector[p][b] = _mm512_dpbf16_ps(sums.vector[p][b], weights[b], x);
      }
    }
  }
  sums.finish(corner.out, c.out_pixel, corner.last, c.add);
}
#endif

/// The pixels of a line from `pixel` on, in tiles that halve towards its end.
template <int Blocks, int Pixels, bool Shared, class T>
void run_line(const Convolution<T>& c, Corner<T> corner, int64_t pixel) {
  for (; pixel + Pixels <= c.pixels; pixel += Pixels) {
    if constexpr (Shared) {
      shared_tile<Pixels>(c, corner);
    } else {
      tile<Blocks, Pixels>(c, corner);
    }
    corner.out += Pixels * c.out_pixel;
    corner.in += Pixels * c.in_pixel;
  }
  if constexpr (Pixels > 1)
    if (pixel < c.pixels) run_line<Blocks, Pixels / 2, Shared>(c, corner, pixel);
}

template <int Blocks, int Pixels, bool Shared, class T>
void run_blocks(const Convolution<T>& c, int64_t channel) {
  const int64_t last = c.channels - channel - (Blocks - 1) * kLane;
  for (int64_t line = 0; line < c.lines; ++line)
    run_line<Blocks, Pixels, Shared>(
        c,
        Corner<T>{c.out + line * c.out_line + channel, line * c.in_line, c.weight + channel * c.taps * c.run,
                  c.bias == nullptr ? nullptr : c.bias + channel, last < kLane ? last : kLane},
        0);
}

template <class T>
void convolution(const Convolution<T>& c) {
  int64_t channel = 0;
  for (; channel + (kBlocks - 1) * kLane < c.channels; channel += kBlocks * kLane)
    run_blocks<kBlocks, kPixels, false>(c, channel);
  if (channel >= c.channels) return;
  if constexpr (kLane == kSharedChannels) {
    if (shares(c)) {
      run_blocks<1, 2 * kPixels, true>(c, channel);
      return;
    }
  }
  run_blocks<1, kPixels, false>(c, channel);
}

template <class V>
V read(const float* from) {
  if constexpr (sizeof(V) == sizeof(float)) {
    return *from;
  } else {
    return V::loadu(from);
  }
}

template <class V>
void write(const V& value, float* to) {
  if constexpr (sizeof(V) == sizeof(float)) {
    *to = value;
  } else {
    value.store(to);
  }
}

/// `body(V, i)` for the numbers from i on, a vector of them while there is a whole one.
template <class Body>
void for_vectors(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + kLane <= count; i += kLane)
    body(Floats(0.0F), i);
  for (; i < count; ++i)
    body(0.0F, i);
}

template <class Act>
void activate(float* y, float* slope, const float* x, const float* scale, const float* shift, int64_t pixels,
              int64_t channels) {
  for (int64_t p = 0; p < pixels; ++p) {
    const int64_t place = p * channels;
    for_vectors(channels, [&](auto zero, int64_t c) {
      using V = decltype(zero);
      const V factor = read<V>(scale + c);
      const auto [value, steepness] =
          Act::both(multiply_add(factor, read<V>(x + place + c), read<V>(shift + c)));
      write(value, y + place + c);
      if (slope != nullptr) write(factor * steepness, slope + place + c);
    });
  }
}

void sum(float* y, const float* a, const float* b, int64_t count) {
  for_vectors(count, [&](auto zero, int64_t i) {
    using V = decltype(zero);
    write<V>(read<V>(a + i) + read<V>(b + i), y + i);
  });
}

void product(float* y, const float* a, const float* b, int64_t count, bool add) {
  for_vectors(count, [&](auto zero, int64_t i) {
    using V = decltype(zero);
    const V x = read<V>(a + i) * read<V>(b + i);
    write<V>(add ? x + read<V>(y + i) : x, y + i);
  });
}

void narrow(c10::BFloat16* y, const float* x, int64_t count) {
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    store(load(x + i), y + i);
  for (; i < count; ++i)
    y[i] = x[i];
}

}  // namespace

ImageKernels image_kernels() {
  ImageKernels kernels{
      .lane = kLane,
      .convolution_float = convolution<float>,
      .convolution_bfloat16 = nullptr,
      .activate = [](Act act,
                     auto... rest) { act == Act::kRelu ? activate<Relu>(rest...) : activate<Silu>(rest...); },
      .narrow = narrow,
      .sum = sum,
      .product = product,
  };
#if defined(SELFGRAD_BFLOAT16_PRODUCTS)
  if (__builtin_cpu_supports("avx512bf16")) kernels.convolution_bfloat16 = convolution<c10::BFloat16>;
#endif
  return kernels;
}

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
