// The CPU's kernels as function pointers. Their sources are compiled once for each vector extension, and the
// table of the best one that this processor has is chosen when the program runs, as LibTorch does for its
// own.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/convolution.h"

namespace c10 {
struct BFloat16;
}

namespace selfgrad::kernels {

enum class Act : uint8_t { kRelu, kSilu };

/// Runs over the elements [begin, end) of images in channels-last order. What belongs to a channel comes as a
/// table of `period` floats for the elements begin, begin + 1, …, and again from its start: a whole number of
/// pixels and of `width`s. `begin` is a multiple of it.
struct Span {
  int64_t begin, end, period;
};

/// Storage type T; arithmetic in float32.
template <class T>
struct NormActivationKernels {
  /// sum += x - pivot and squares += (x - pivot)^2; tables.
  void (*moments)(const T* x, Span span, const float* pivot, float* sum, float* squares);
  /// y = act(scale x + shift).
  void (*forward)(Act act, T* y, const T* x, Span span, const float* scale, const float* shift);
  /// gz = gy act'(scale x + shift), sum += gz and product += gz (x - mean). May work in place.
  void (*backward)(Act act, T* gz, const T* gy, const T* x, Span span, const float* scale, const float* shift,
                   const float* mean, float* sum, float* product);
  /// gx = scale gz + slope x + offset. May work in place.
  void (*gradient)(T* gx, const T* gz, const T* x, Span span, const float* scale, const float* slope,
                   const float* offset);
  /// gx = scale gy act'(scale x + shift): where the statistics are constants.
  void (*backward_constant)(Act act, T* gx, const T* gy, const T* x, Span span, const float* scale,
                            const float* shift);
};

/// Pixels are float32; T is the storage type of what the network sees.
template <class T>
struct NormalizeKernels {
  /// y = (x - mean) / std.
  void (*forward)(T* y, const float* x, Span span, const float* mean, const float* std);
  /// gx = gy / std.
  void (*backward)(float* gx, const T* gy, Span span, const float* std);
};

/// `count` pixels in a row, of one alpha. May work in place.
using ProjectedStepKernel = void(float* next, const float* x, const float* origin, const float* gradient,
                                 int64_t count, float alpha, float eps);

/// What takes an image through a network by itself, in maps of float32 with channels last.
struct ImageKernels {
  /// Channels of a block of the convolutions' weights.
  int64_t lane;
  void (*convolution_float)(const Convolution<float>& convolution);
  /// Null where the processor has no products of bfloat16.
  void (*convolution_bfloat16)(const Convolution<c10::BFloat16>& convolution);
  /// y = act(scale x + shift) of a line of pixels, and where `slope` is not null its derivative in x. May
  /// work in place.
  void (*activate)(Act act, float* y, float* slope, const float* x, const float* scale, const float* shift,
                   int64_t pixels, int64_t channels);
  void (*narrow)(c10::BFloat16* y, const float* x, int64_t count);
  /// y = a + b. May work in place.
  void (*sum)(float* y, const float* a, const float* b, int64_t count);
  /// y = a b, or y += a b. May work in place.
  void (*product)(float* y, const float* a, const float* b, int64_t count, bool add);

  template <class T>
  auto* convolution() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return convolution_float;
    } else {
      return convolution_bfloat16;
    }
  }
};

struct CpuKernels {
  const char* capability;
  /// Elements that the loops take at once.
  int64_t width;
  NormActivationKernels<float> norm_activation_float;
  NormActivationKernels<c10::BFloat16> norm_activation_bfloat16;
  NormalizeKernels<float> normalize_float;
  NormalizeKernels<c10::BFloat16> normalize_bfloat16;
  ProjectedStepKernel* projected_step;
  ImageKernels image;

  template <class T>
  const NormActivationKernels<T>& norm_activation() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return norm_activation_float;
    } else {
      return norm_activation_bfloat16;
    }
  }
  template <class T>
  const NormalizeKernels<T>& normalize() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return normalize_float;
    } else {
      return normalize_bfloat16;
    }
  }
};

/// All that this processor can run, the best one last.
std::vector<const CpuKernels*> runnable_cpu_kernels();

/// The best of these; ATEN_CPU_CAPABILITY=default or avx2 asks for less, as in LibTorch.
const CpuKernels& cpu_kernels();

}  // namespace selfgrad::kernels
