#include "stability/certify/max_pool.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/im2col.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/scatter_add.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

namespace selfgrad {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// The values of each window, (N, C, k k, H' W').
at::Tensor windows_of(const at::Tensor& x, const Pooling& pooling) {
  const auto [k, stride, padding] = pooling;
  const at::Tensor padded = at::constant_pad_nd(x, {padding, padding, padding, padding}, kNever);
  const at::Tensor columns = at::im2col(padded, {k, k}, {1, 1}, {0, 0}, {stride, stride});
  return columns.view({x.size(0), x.size(1), k * k, -1});
}

}  // namespace

Relaxation relax_max_pool(const Pooling& pooling, const Interval& x) {
  const auto [k, stride, padding] = pooling;
  const int64_t height = x.lower.size(2), width = x.lower.size(3);
  const int64_t rows = (height + 2 * padding - k) / stride + 1;
  const int64_t columns = (width + 2 * padding - k) / stride + 1;
  const auto map = [&, n = x.lower.size(0), c = x.lower.size(1), r = rows, w = columns](const at::Tensor& y) {
    return y.view({n, c, r, w});
  };
  const at::Tensor lower = windows_of(x.lower, pooling), upper = windows_of(x.upper, pooling);
  const at::Tensor best = lower.argmax(2, /*keepdim=*/true);
  const at::Tensor others = upper.scatter(2, best, kNever).amax(2);
  const at::Tensor certain = lower.gather(2, best).squeeze(2) >= others;
  const at::Tensor one = at::ones_like(others), zero = at::zeros_like(others);
  // The window's first pixel, then the pixel within it.
  const at::Tensor place = at::arange(rows * columns);
  const at::Tensor within = best.squeeze(2);
  const at::Tensor row = place.floor_divide(columns) * stride - padding + within.floor_divide(k);
  const at::Tensor column = place.remainder(columns) * stride - padding + within.remainder(k);
  return {.lower_slope = map(one),
          .lower_offset = map(zero),
          .upper_slope = map(at::where(certain, one, zero)),
          .upper_offset = map(at::where(certain, zero, upper.amax(2))),
          .chosen = map(row * width + column)};
}

at::Tensor spread_to_pixels(const at::Tensor& coefficients, const at::Tensor& chosen, int64_t height,
                            int64_t width) {
  const int64_t n = coefficients.size(0), rows = coefficients.size(1), channels = coefficients.size(2);
  const at::Tensor flat = coefficients.flatten(3);
  const at::Tensor index = chosen.flatten(2).unsqueeze(1).expand_as(flat);
  return at::zeros({n, rows, channels, height * width}, coefficients.options())
      .scatter_add(3, index, flat)
      .view({n, rows, channels, height, width});
}

}  // namespace selfgrad
