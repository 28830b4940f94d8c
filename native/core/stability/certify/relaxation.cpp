#include "stability/certify/relaxation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <vector>

namespace selfgrad {
namespace {

// Where e^t + t + 1 = 0, the zero of SiLU's derivative.
constexpr double kSiluMinimum = -1.2784645427610738;
constexpr int kParts = 16;

// SiLU lies between ReLU minus this and ReLU.
constexpr double kSiluBelowRelu = 0.27846454276107380;

/// A polygon and how far the function may be above and below it: of all lines, those over the corners by
/// `above` are over the function.
struct Polygon {
  std::vector<at::Tensor> points, values;
  at::Tensor above, below;
};

Polygon relu_polygon(const Interval& x, double below) {
  const at::Tensor kink = at::minimum(at::maximum(x.lower, at::zeros_like(x.lower)), x.upper);
  return {{x.lower, kink, x.upper},
          {at::relu(x.lower), at::relu(kink), at::relu(x.upper)},
          at::zeros_like(kink),
          at::full_like(kink, below)};
}

Polygon silu_polygon(const Interval& x) {
  Polygon polygon;
  const at::Tensor part = (x.upper - x.lower) / kParts;
  for (int i = 0; i <= kParts; ++i) {
    polygon.points.push_back(x.lower + i * part);
    polygon.values.push_back(at::silu(polygon.points.back()));
  }
  // Between corners h apart, a function with |f''| <= M leaves its chord by at most M h^2 / 8.
  polygon.above = polygon.below = part * part / 16;
  return polygon;
}

struct Line {
  at::Tensor slope, offset;
};

/// The lowest line of this slope over the function (sign = 1), or the highest under it (sign = -1).
Line touching(const Polygon& polygon, const at::Tensor& slope, int sign) {
  at::Tensor offset;
  for (size_t i = 0; i < polygon.points.size(); ++i) {
    const at::Tensor corner = sign * (polygon.values[i] - slope * polygon.points[i]);
    offset = offset.defined() ? at::maximum(offset, corner) : corner;
  }
  return {slope, sign * (offset + (sign > 0 ? polygon.above : polygon.below))};
}

/// Of the candidates the line that is nearest to the function at the middle.
Line nearest(const std::vector<Polygon>& polygons, const std::vector<at::Tensor>& slopes,
             const at::Tensor& middle, int sign) {
  Line best = touching(polygons.front(), slopes.front(), sign);
  for (const Polygon& polygon : polygons) {
    for (const at::Tensor& slope : slopes) {
      const Line line = touching(polygon, slope, sign);
      const at::Tensor nearer =
          sign * (line.slope * middle + line.offset) < sign * (best.slope * middle + best.offset);
      best = {at::where(nearer, line.slope, best.slope), at::where(nearer, line.offset, best.offset)};
    }
  }
  return best;
}

}  // namespace

Interval activation_range(Activation activation, const Interval& x) {
  Interval ends{activate(activation, x.lower), activate(activation, x.upper)};
  if (activation == Activation::kRelu) return ends;
  const at::Tensor lowest = at::minimum(at::maximum(x.lower, at::full_like(x.lower, kSiluMinimum)), x.upper);
  return {at::silu(lowest), at::maximum(ends.lower, ends.upper)};
}

Relaxation relax(Activation activation, const Interval& x) {
  std::vector<Polygon> polygons;
  if (activation == Activation::kRelu) {
    polygons.push_back(relu_polygon(x, 0.0));
  } else {
    polygons.push_back(silu_polygon(x));
    polygons.push_back(relu_polygon(x, kSiluBelowRelu));
  }
  const at::Tensor width = x.upper - x.lower;
  const at::Tensor zero = at::zeros_like(width);
  const at::Tensor least = at::full_like(width, 1e-9);
  const at::Tensor rise = activate(activation, x.upper) - activate(activation, x.lower);
  // Any slope gives a sound line; where the interval has hardly a width, the chord has none that is worth
  // taking.
  const at::Tensor chord = at::where(width > least, rise / at::maximum(width, least), zero);
  const std::vector<at::Tensor> slopes{chord, zero, at::ones_like(width)};
  const at::Tensor middle = (x.lower + x.upper) / 2;
  const Line lower = nearest(polygons, slopes, middle, -1);
  const Line upper = nearest(polygons, slopes, middle, 1);
  return {lower.slope, lower.offset, upper.slope, upper.offset, {}};
}

}  // namespace selfgrad
