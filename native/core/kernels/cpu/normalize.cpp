// The CPU's loops of normalize.h: pixels are float32, what the network sees may be bfloat16.
#include "kernels/normalize.h"

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/makers.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {

template <class T>
NormalizeKernels<T> normalize_kernels() {
  return {
      .forward =
          [](T* y, const float* x, Span span, const float* mean, const float* std) {
            run_channels(Channels<T, float, 1, 2, 0>{y, {x}, {mean, std}, {}}, span,
                         [](const auto& in, const auto& table, auto&) {
                           return normalized(in[0], table[0], table[1]);
                         });
          },
      .backward =
          [](float* gx, const T* gy, Span span, const float* std) {
            run_channels(Channels<float, T, 1, 1, 0>{gx, {gy}, {std}, {}}, span,
                         [](const auto& in, const auto& table, auto&) {
                           return normalized_gradient(in[0], table[0]);
                         });
          },
  };
}
template NormalizeKernels<float> normalize_kernels();
template NormalizeKernels<c10::BFloat16> normalize_kernels();

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
