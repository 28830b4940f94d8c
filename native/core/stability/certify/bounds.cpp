#include "stability/certify/bounds.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "error.h"
#include "stability/certify/max_pool.h"

namespace selfgrad {
namespace {

// Relative to the sum of absolute values. A sum of n products errs by at most n 2^-53 of it in any order:
// this holds to n = 9 million, and for blocked algorithms that err a little more.
constexpr double kSlack = 1e-9;
// Adversarial pixels are float32 numbers in [0, 1]: clipping them to a region may round by 2^-24.
constexpr double kPixelSlack = 0x1.0p-22;
constexpr int64_t kRows = 512;

/// (N) as (N, 1, 1 …), to go with a value of `dimensions` dimensions.
at::Tensor per_image(const at::Tensor& values, int64_t dimensions) {
  std::vector<int64_t> shape(dimensions, 1);
  shape[0] = -1;
  return values.view(shape);
}

/// The largest absolute value that an interval allows, (N).
at::Tensor largest(const Interval& x) {
  return at::maximum(x.lower.abs(), x.upper.abs()).flatten(1).amax(1);
}

Interval widened(const Interval& x, const at::Tensor& magnitude) {
  const at::Tensor slack = kSlack * per_image(magnitude, x.lower.dim());
  return {x.lower - slack, x.upper + slack};
}

/// The largest sum of absolute values of an affine layer's row, and its largest bias.
std::pair<double, double> row_sizes(const Layer& layer) {
  if (!layer.weight.defined()) return {1.0, 0.0};
  const at::Tensor rows = layer.weight.abs().view({layer.weight.size(0), -1}).sum(1);
  return {rows.amax().item<double>(), layer.bias.abs().amax().item<double>()};
}

/// <a, b> over all but the first two dimensions: (N, S, …) and (N, S or 1, …) -> (N, S).
at::Tensor contract(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).flatten(2).sum(2);
}

void accumulate(at::Tensor& total, const at::Tensor& part) {
  total = total.defined() ? total + part : part;
}

}  // namespace

Bounds::Bounds(const LayerGraph& graph, const Region& region, int64_t refine, const std::atomic<bool>& stop)
    : layers_(graph.layers()), stop_(stop), refine_(refine) {
  add_input(region);
  for (size_t place = 1; place < layers_.size(); ++place) {
    if (stop_) throw Cancelled();
    add_layer(static_cast<int64_t>(place));
  }
}

void Bounds::add_input(const Region& region) {
  const at::Tensor images = region.images.to(at::kDouble).contiguous();
  const auto size = static_cast<double>(images.size(1) * images.size(2) * images.size(3));
  const double slack = kPixelSlack * (region.norm == Norm::kL2 ? std::sqrt(size) : 1.0);
  region_ = {images, region.norm, region.eps.to(at::kDouble) + slack};
  const at::Tensor eps = per_image(region_.eps, 4);
  intervals_.push_back({(images - eps).clamp_min(0.0), (images + eps).clamp_max(1.0)});
  magnitudes_.push_back(1.0 + region_.eps);
  relaxations_.emplace_back();
}

void Bounds::add_layer(int64_t place) {
  const Layer& layer = layers_[place];
  const Interval& x = intervals_[layer.input];
  Interval y;
  at::Tensor magnitude = largest(x);
  Relaxation relaxation;
  if (layer.kind == Layer::Kind::kActivation) {
    if (behind_activation_) refine(layer.input);
    behind_activation_ = true;
    y = activation_range(layer.activation, x);
    relaxation = relax(layer.activation, x);
    magnitude = 4.0 * magnitude + 1.0;  // slopes are at most 1.1, offsets at most the values' size
  } else if (layer.kind == Layer::Kind::kMaxPool) {
    if (behind_activation_) refine(layer.input);
    y = {apply(layer, x.lower), apply(layer, x.upper)};
    relaxation = relax_max_pool({layer.kernel, layer.stride, layer.padding}, x);
    magnitude = 2.0 * magnitude;
  } else if (layer.kind == Layer::Kind::kAdd) {
    const Interval& other = intervals_[layer.other];
    y = {x.lower + other.lower, x.upper + other.upper};
    magnitude = magnitude + largest(other);
  } else {
    const auto [row, bias] = row_sizes(layer);
    magnitude = row * magnitude + bias;
    const at::Tensor middle = apply(layer, (x.lower + x.upper) / 2);
    const at::Tensor radius = apply_absolute(layer, (x.upper - x.lower) / 2);
    y = {middle - radius, middle + radius};
  }
  intervals_.push_back(widened(y, magnitude));
  magnitudes_.push_back(magnitude);
  relaxations_.push_back(std::move(relaxation));
}

void Bounds::refine(int64_t place) {
  Interval& x = intervals_[place];
  const int64_t count = x.lower.size(0);
  const int64_t size = x.lower.numel() / std::max<int64_t>(count, 1);
  if (size > refine_) return;
  std::vector<int64_t> shape = x.lower.sizes().vec();
  shape.insert(shape.begin() + 1, -1);
  const at::Tensor every = at::eye(size, x.lower.options());
  const int64_t chunk = std::max<int64_t>(1, kRows / count);
  std::vector<at::Tensor> lower;
  std::vector<at::Tensor> upper;
  for (int64_t start = 0; start < size; start += chunk) {
    if (stop_) throw Cancelled();
    const at::Tensor rows = every.narrow(0, start, std::min(chunk, size - start));
    const at::Tensor spec = rows.unsqueeze(0).expand({count, -1, -1}).reshape(shape);
    lower.push_back(lower_bound(place, spec));
    upper.push_back(-lower_bound(place, -spec));
  }
  x = {at::maximum(x.lower, at::cat(lower, 1).view_as(x.lower)),
       at::minimum(x.upper, at::cat(upper, 1).view_as(x.upper))};
}

at::Tensor Bounds::lower_bound(int64_t layer, const at::Tensor& spec, int64_t until) const {
  const int64_t count = spec.size(0);
  const int64_t rows = spec.size(1);
  std::vector<at::Tensor> specs(layer + 1);
  specs[layer] = spec;
  at::Tensor bound = at::zeros({count, rows}, spec.options());
  for (int64_t place = layer; place > until; --place) {
    if (!specs[place].defined()) continue;
    const at::Tensor a = std::exchange(specs[place], at::Tensor());
    const Layer& at_place = layers_[place];
    const at::Tensor slack = kSlack * magnitudes_[place].unsqueeze(1);
    bound = bound - slack * a.abs().flatten(2).sum(2);
    if (at_place.kind == Layer::Kind::kAdd) {
      accumulate(specs[at_place.input], a);
      accumulate(specs[at_place.other], a);
    } else if (at_place.kind == Layer::Kind::kActivation || at_place.kind == Layer::Kind::kMaxPool) {
      const Relaxation& lines = relaxations_[place];
      const at::Tensor positive = a.clamp_min(0);
      const at::Tensor negative = a.clamp_max(0);
      bound = bound + contract(positive, lines.lower_offset.unsqueeze(1)) +
              contract(negative, lines.upper_offset.unsqueeze(1));
      const at::Tensor slopes =
          positive * lines.lower_slope.unsqueeze(1) + negative * lines.upper_slope.unsqueeze(1);
      const auto input = intervals_[at_place.input].lower.sizes();
      accumulate(specs[at_place.input], lines.chosen.defined()
                                            ? spread_to_pixels(slopes, lines.chosen, input[2], input[3])
                                            : slopes);
    } else {
      // As one batch of rows, (N * S, *shape).
      const at::Tensor flat = a.flatten(0, 1);
      const auto input = intervals_[at_place.input].lower.sizes();
      if (at_place.bias.defined()) {
        const at::Tensor per_channel = flat.dim() == 4 ? flat.sum({2, 3}) : flat;
        bound = bound + (per_channel * at_place.bias).sum(1).view({count, rows});
      }
      std::vector<int64_t> shape{count, rows};
      shape.insert(shape.end(), input.begin() + 1, input.end());
      accumulate(specs[at_place.input], apply_transposed(at_place, flat, input.slice(1)).reshape(shape));
    }
  }
  return bound + end(until, specs[until]);
}

at::Tensor Bounds::end(int64_t place, const at::Tensor& spec) const {
  const Interval& x = intervals_[place];
  const at::Tensor middle = ((x.lower + x.upper) / 2).unsqueeze(1);
  const at::Tensor radius = ((x.upper - x.lower) / 2).unsqueeze(1);
  at::Tensor least = contract(spec, middle) - contract(spec.abs(), radius);
  if (place == 0 && region_.norm == Norm::kL2) {
    const at::Tensor length = at::linalg_vector_norm(spec.flatten(2), 2, {2});
    least =
        at::maximum(least, contract(spec, region_.images.unsqueeze(1)) - region_.eps.unsqueeze(1) * length);
  }
  const at::Tensor slack = kSlack * (largest(x) + magnitudes_[place]).unsqueeze(1);
  return least - slack * spec.abs().flatten(2).sum(2);
}

}  // namespace selfgrad
