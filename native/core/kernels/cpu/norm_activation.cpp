// The CPU's loops of norm_activation.h.
#include "kernels/norm_activation.h"

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/makers.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {
namespace {

template <class T>
void moments(const T* x, Span span, const float* pivot, float* sum, float* squares) {
  run_channels(Channels<T, T, 1, 1, 2>{nullptr, {x}, {pivot}, {sum, squares}}, span,
               [](const auto& in, const auto& table, auto& sums) {
                 const auto centred = in[0] - table[0];
                 sums[0] = sums[0] + centred;
                 sums[1] = multiply_add(centred, centred, sums[1]);
                 return centred;
               });
}

template <class Act, class T>
void forward(T* y, const T* x, Span span, const float* scale, const float* shift) {
  run_channels(Channels<T, T, 1, 2, 0>{y, {x}, {scale, shift}, {}}, span,
               [](const auto& in, const auto& table, auto&) {
                 return norm_activation<Act>(in[0], table[0], table[1]);
               });
}

template <class Act, class T>
void backward(T* gz, const T* gy, const T* x, Span span, const float* scale, const float* shift,
              const float* mean, float* sum, float* product) {
  run_channels(Channels<T, T, 2, 3, 2>{gz, {gy, x}, {scale, shift, mean}, {sum, product}}, span,
               [](const auto& in, const auto& table, auto& sums) {
                 const auto g = norm_activation_slope<Act>(in[0], in[1], table[0], table[1]);
                 sums[0] = sums[0] + g;
                 sums[1] = multiply_add(g, in[1] - table[2], sums[1]);
                 return g;
               });
}

template <class T>
void gradient(T* gx, const T* gz, const T* x, Span span, const float* scale, const float* slope,
              const float* offset) {
  run_channels(Channels<T, T, 2, 3, 0>{gx, {gz, x}, {scale, slope, offset}, {}}, span,
               [](const auto& in, const auto& table, auto&) {
                 return norm_gradient(in[0], in[1], table[0], table[1], table[2]);
               });
}

template <class Act, class T>
void backward_constant(T* gx, const T* gy, const T* x, Span span, const float* scale, const float* shift) {
  run_channels(Channels<T, T, 2, 2, 0>{gx, {gy, x}, {scale, shift}, {}}, span,
               [](const auto& in, const auto& table, auto&) {
                 return table[0] * norm_activation_slope<Act>(in[0], in[1], table[0], table[1]);
               });
}

}  // namespace

template <class T>
NormActivationKernels<T> norm_activation_kernels() {
  return {
      .moments = moments<T>,
      .forward =
          [](Act act, auto... rest) {
            act == Act::kRelu ? forward<Relu, T>(rest...) : forward<Silu, T>(rest...);
          },
      .backward =
          [](Act act, auto... rest) {
            act == Act::kRelu ? backward<Relu, T>(rest...) : backward<Silu, T>(rest...);
          },
      .gradient = gradient<T>,
      .backward_constant =
          [](Act act, auto... rest) {
            act == Act::kRelu ? backward_constant<Relu, T>(rest...) : backward_constant<Silu, T>(rest...);
          },
  };
}

template NormActivationKernels<float> norm_activation_kernels();
template NormActivationKernels<c10::BFloat16> norm_activation_kernels();

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
