// The plug-in's one export: kernels on tensors, from kernels on pointers.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <type_traits>

#include "kernels.h"
#include "kernels/cuda/table.h"
#include "stream.h"

namespace selfgrad::cuda {
namespace {

using kernels::Act;

template <class T>
using Stored = std::conditional_t<std::is_same_v<T, float>, float, c10::BFloat16>;

template <class T>
const T* read(const at::Tensor& tensor) {
  return reinterpret_cast<const T*>(tensor.const_data_ptr<Stored<T>>());
}
template <class T>
T* write(const at::Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.mutable_data_ptr<Stored<T>>());
}

template <class F>
void for_type(at::ScalarType type, const F& f) {
  if (type == at::kFloat) {
    f(float{});
  } else {
    f(Bfloat16{});
  }
}

Shape shape_of(const at::Tensor& x) {
  return {x.numel() / x.size(1), x.size(1)};
}

/// Per channel, on the device of x.
at::Tensor per_channel(const at::Tensor& x, int64_t rows, at::ScalarType type) {
  return at::empty({rows, x.size(1)}, at::TensorOptions().dtype(type).device(x.device()));
}

/// Scale and shift, (2, C).
at::Tensor affine_of(Stream on, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     const at::Tensor& mean, const at::Tensor& variance, double eps) {
  at::Tensor tables = per_channel(x, 2, at::kFloat);
  auto* scale = tables.mutable_data_ptr<float>();
  affine(on, shape_of(x), weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
         mean.const_data_ptr<double>(), variance.const_data_ptr<double>(), eps, scale, scale + x.size(1));
  return tables;
}

at::Tensor work_space(const at::Tensor& x) {
  const int64_t rows = partial_rows(shape_of(x));
  return per_channel(x, 2 * (rows + rows / 32 + 1), at::kDouble);
}

kernels::CudaNormed norm_activation(Act act, const at::Tensor& x, const at::Tensor& weight,
                                    const at::Tensor& bias, const at::Tensor& mean,
                                    const at::Tensor& variance, double eps) {
  const OnDevice device(x);
  const Stream on = device.stream();
  const Shape shape = shape_of(x);
  kernels::CudaNormed result{at::empty_like(x), mean, variance};
  for_type(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = read<T>(x);
    if (!mean.defined()) {
      result.mean = per_channel(x, 1, at::kDouble).squeeze(0);
      result.variance = at::empty_like(result.mean);
      const at::Tensor pivot = per_channel(x, 1, at::kFloat), work = work_space(x),
                       sums = per_channel(x, 2, at::kDouble);
      pivots(on, shape, from, pivot.mutable_data_ptr<float>());
      moments(on, shape, from, pivot.const_data_ptr<float>(), work.mutable_data_ptr<double>(),
              sums.mutable_data_ptr<double>());
      statistics(on, shape, pivot.const_data_ptr<float>(), sums.const_data_ptr<double>(),
                 result.mean.mutable_data_ptr<double>(), result.variance.mutable_data_ptr<double>());
    }
    const at::Tensor tables = affine_of(on, x, weight, bias, result.mean, result.variance, eps);
    const auto* scale = tables.const_data_ptr<float>();
    forward(on, shape, act == Act::kSilu, from, scale, scale + shape.channels, write<T>(result.y));
  });
  check_launch(launch_error());
  return result;
}

kernels::CudaNormGradients norm_activation_backward(Act act, const at::Tensor& gy, const at::Tensor& x,
                                                    const at::Tensor& weight, const at::Tensor& bias,
                                                    const at::Tensor& mean, const at::Tensor& variance,
                                                    double eps, bool training, bool parameters) {
  const OnDevice device(x);
  const Stream on = device.stream();
  const Shape shape = shape_of(x);
  const bool silu = act == Act::kSilu;
  const at::Tensor tables = affine_of(on, x, weight, bias, mean, variance, eps);
  const auto* scale = tables.const_data_ptr<float>();
  const auto* shift = scale + shape.channels;
  kernels::CudaNormGradients result{at::empty_like(x), {}, {}};
  for_type(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    T* gx = write<T>(result.x);
    if (!training && !parameters) {
      backward_constant(on, shape, silu, read<T>(gy), read<T>(x), scale, shift, gx);
      return;
    }
    result.weight = at::empty_like(weight);
    result.bias = at::empty_like(bias);
    const at::Tensor work = work_space(x), sums = per_channel(x, 2, at::kDouble),
                     slope = per_channel(x, 2, at::kFloat);
    backward(on, shape, silu, read<T>(gy), read<T>(x), scale, shift, mean.const_data_ptr<double>(), gx,
             work.mutable_data_ptr<double>(), sums.mutable_data_ptr<double>());
    auto* slope_at = slope.mutable_data_ptr<float>();
    slopes(on, shape, training, scale, mean.const_data_ptr<double>(), variance.const_data_ptr<double>(), eps,
           sums.const_data_ptr<double>(), slope_at, slope_at + shape.channels,
           result.weight.mutable_data_ptr<float>(), result.bias.mutable_data_ptr<float>());
    gradient(on, shape, static_cast<const T*>(gx), read<T>(x), scale, slope_at, slope_at + shape.channels,
             gx);
  });
  check_launch(launch_error());
  return result;
}

at::Tensor normalize_images(const at::Tensor& x, const at::Tensor& mean, const at::Tensor& std,
                            at::ScalarType storage) {
  const OnDevice device(x);
  at::Tensor y = at::empty_like(x, x.options().dtype(storage));
  for_type(storage, [&](auto zero) {
    normalize(device.stream(), shape_of(x), x.const_data_ptr<float>(), mean.const_data_ptr<float>(),
              std.const_data_ptr<float>(), write<decltype(zero)>(y));
  });
  check_launch(launch_error());
  return y;
}

at::Tensor normalize_images_backward(const at::Tensor& gy, const at::Tensor& std) {
  const OnDevice device(gy);
  at::Tensor gx = at::empty_like(gy, gy.options().dtype(at::kFloat));
  for_type(gy.scalar_type(), [&](auto zero) {
    normalize_backward(device.stream(), shape_of(gy), read<decltype(zero)>(gy), std.const_data_ptr<float>(),
                       gx.mutable_data_ptr<float>());
  });
  check_launch(launch_error());
  return gx;
}

at::Tensor step(const at::Tensor& x, const at::Tensor& origin, const at::Tensor& gradient,
                const at::Tensor& alpha, double eps) {
  const OnDevice device(x);
  at::Tensor next = at::empty_like(x);
  projected_step(device.stream(), x.numel(), x.numel() / x.size(0), x.const_data_ptr<float>(),
                 origin.const_data_ptr<float>(), gradient.const_data_ptr<float>(),
                 alpha.const_data_ptr<float>(), static_cast<float>(eps), next.mutable_data_ptr<float>());
  check_launch(launch_error());
  return next;
}

}  // namespace
}  // namespace selfgrad::cuda

extern "C" __attribute__((visibility("default"))) const selfgrad::kernels::CudaKernels*
selfgrad_cuda_kernels() {
  using namespace selfgrad;
  static const kernels::CudaKernels kernels{
      .table = kernels::kCudaTable,
      .norm_activation = cuda::norm_activation,
      .norm_activation_backward = cuda::norm_activation_backward,
      .normalize = cuda::normalize_images,
      .normalize_backward = cuda::normalize_images_backward,
      .projected_step = cuda::step,
  };
  return &kernels;
}
