// The plug-in's one export: kernels on tensors, from kernels on pointers.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <type_traits>

#include "exchange.h"
#include "graph.h"
#include "kernels.h"
#include "kernels/cuda/table.h"
#include "stream.h"

namespace selfgrad::cuda {
namespace {

using kernels::Act;

template <class T>
using Stored = std::conditional_t<std::is_same_v<T, Bfloat16>, c10::BFloat16, T>;

template <class T>
const T* read(const at::Tensor& tensor) {
  return on_device(reinterpret_cast<const T*>(tensor.const_data_ptr<Stored<T>>()));
}
template <class T>
T* write(const at::Tensor& tensor) {
  return on_device(reinterpret_cast<T*>(tensor.mutable_data_ptr<Stored<T>>()));
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
  auto* scale = write<float>(tables);
  affine(on, shape_of(x), read<float>(weight), read<float>(bias), read<double>(mean), read<double>(variance),
         eps, scale, scale + x.size(1));
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
      pivots(on, shape, from, write<float>(pivot));
      moments(on, shape, from, read<float>(pivot), write<double>(work), write<double>(sums));
      statistics(on, shape, read<float>(pivot), read<double>(sums), write<double>(result.mean),
                 write<double>(result.variance));
    }
    const at::Tensor tables = affine_of(on, x, weight, bias, result.mean, result.variance, eps);
    const auto* scale = read<float>(tables);
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
  const auto* scale = read<float>(tables);
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
    backward(on, shape, silu, read<T>(gy), read<T>(x), scale, shift, read<double>(mean), gx,
             write<double>(work), write<double>(sums));
    auto* slope_at = write<float>(slope);
    slopes(on, shape, training, scale, read<double>(mean), read<double>(variance), eps, read<double>(sums),
           slope_at, slope_at + shape.channels, write<float>(result.weight), write<float>(result.bias));
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
    normalize(device.stream(), shape_of(x), read<float>(x), read<float>(mean), read<float>(std),
              write<decltype(zero)>(y));
  });
  check_launch(launch_error());
  return y;
}

at::Tensor normalize_images_backward(const at::Tensor& gy, const at::Tensor& std) {
  const OnDevice device(gy);
  at::Tensor gx = at::empty_like(gy, gy.options().dtype(at::kFloat));
  for_type(gy.scalar_type(), [&](auto zero) {
    normalize_backward(device.stream(), shape_of(gy), read<decltype(zero)>(gy), read<float>(std),
                       write<float>(gx));
  });
  check_launch(launch_error());
  return gx;
}

at::Tensor step(const at::Tensor& x, const at::Tensor& origin, const at::Tensor& gradient,
                const at::Tensor& alpha, double eps) {
  const OnDevice device(x);
  at::Tensor next = at::empty_like(x);
  projected_step(device.stream(), x.numel(), x.numel() / x.size(0), read<float>(x), read<float>(origin),
                 read<float>(gradient), read<float>(alpha), static_cast<float>(eps), write<float>(next));
  check_launch(launch_error());
  return next;
}

at::Tensor draw_uniform(const kernels::CudaDraw& draw, const at::Tensor& indices, int64_t size, float low,
                        float range) {
  const OnDevice device(indices);
  at::Tensor out = at::empty({indices.size(0), size}, indices.options().dtype(at::kFloat));
  if (out.numel() == 0) return out;
  uniform(device.stream(), indices.size(0), size, draw, read<int64_t>(indices), low, range,
          write<float>(out));
  check_launch(launch_error());
  return out;
}

View view_of(const at::Tensor& rows, const at::Tensor& indices, const at::Tensor& transforms) {
  return {indices.size(0), rows.size(1),           rows.size(2),
          rows.size(3),    read<int64_t>(indices), read<int32_t>(transforms)};
}

at::Tensor read_images(const at::Tensor& rows, const at::Tensor& indices, const at::Tensor& transforms,
                       float scale) {
  const OnDevice device(rows);
  const auto options = rows.options().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast);
  at::Tensor out = at::empty({indices.size(0), rows.size(1), rows.size(2), rows.size(3)}, options);
  if (out.numel() == 0) return out;
  const View view = view_of(rows, indices, transforms);
  if (rows.scalar_type() == at::kByte) {
    read_through(device.stream(), view, read<uint8_t>(rows), scale, write<float>(out));
  } else {
    read_through(device.stream(), view, read<int8_t>(rows), scale, write<float>(out));
  }
  check_launch(launch_error());
  return out;
}

void write_images(const at::Tensor& rows, const at::Tensor& indices, const at::Tensor& transforms,
                  const at::Tensor& values, float scale) {
  const OnDevice device(rows);
  if (values.numel() == 0) return;
  write_through(device.stream(), view_of(rows, indices, transforms), read<float>(values), scale,
                write<int8_t>(rows));
  check_launch(launch_error());
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
      .uniform = cuda::draw_uniform,
      .read_through = cuda::read_images,
      .write_through = cuda::write_images,
      .free_bytes = cuda::free_bytes,
      .make_graph = cuda::make_graph,
      .make_exchange = cuda::make_exchange,
  };
  return &kernels;
}
