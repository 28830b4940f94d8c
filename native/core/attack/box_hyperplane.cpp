// Rows that have arrived stay where they are while others go on, so a batch changes nothing.
#include "attack/box_hyperplane.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

namespace selfgrad {
namespace {

at::Tensor sum_of_each(const at::Tensor& values) {
  return values.sum({1, 2, 3}, /*keepdim=*/true);
}

}  // namespace

at::Tensor shortest_to_hyperplane(Norm norm, const at::Tensor& x, const at::Tensor& normal,
                                  const at::Tensor& gap) {
  // Scaled by its largest entry: squares of the gradients of confident images underflow.
  const at::Tensor largest = normal.abs().amax({1, 2, 3}, /*keepdim=*/true);
  const at::Tensor scale = at::where(largest > 0, largest, at::Scalar(1.0F));
  const at::Tensor signed_distance = gap.view({-1, 1, 1, 1}) / scale;
  const at::Tensor distance = signed_distance.abs();
  const at::Tensor direction = normal.sign() * signed_distance.sign();
  const at::Tensor weight = (normal / scale).abs();
  const at::Tensor room = direction.clamp_min(0) * (1.0 - x) + direction.neg().clamp_min(0) * x;
  const bool linf = norm == Norm::kLinf;
  const auto reach = [&](const at::Tensor& s) { return linf ? s : s * weight; };
  const at::Tensor slope = linf ? weight : weight * weight;
  const at::Tensor filled = weight * room;
  at::Tensor s = at::zeros_like(distance);
  // Masks are 0 and 1 in float32: products with them are vectorised, choices by bool are not.
  const auto reached = [&] { return (room <= reach(s)).to(at::kFloat); };
  at::Tensor full = reached();
  for (;;) {
    const at::Tensor climb = sum_of_each(slope * (1 - full));
    const at::Tensor root = (distance - sum_of_each(filled * full)) / climb;
    s = at::where(climb > 0, s.maximum(root), s);
    // s only grows: who was full stays so.
    const at::Tensor now = reached();
    if (now.equal(full)) break;
    full = now;
  }
  return direction * room.minimum(reach(s));
}

}  // namespace selfgrad
