// Sums are float64: the budget is one of thousands of small numbers.
#include "attack/l1_projection.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>

namespace selfgrad {
namespace {

/// t (N, 1) at which the sum over i of min(max(size_i - t, 0), room_i) has come down to eps; size, room (N,
/// D).
at::Tensor threshold(double eps, const at::Tensor& size, const at::Tensor& room) {
  const at::Tensor total = size.minimum(room).sum(1, /*keepdim=*/true);
  // A coordinate begins to shrink at size - room and is gone at size: between two corners the sum falls by as
  // much as coordinates shrink.
  const at::Tensor begin = (size - room).clamp_min(0.0);
  const auto [corners, order] = at::cat({begin, size}, 1).sort(1);
  const at::Tensor change = at::cat({at::ones_like(begin), -at::ones_like(size)}, 1).gather(1, order);
  const at::Tensor shrinking = change.cumsum(1);
  const int64_t last = corners.size(1) - 1;
  const at::Tensor fall =
      (shrinking.narrow(1, 0, last) * (corners.narrow(1, 1, last) - corners.narrow(1, 0, last))).cumsum(1);
  // The first corner at which the sum is small enough, and the straight way back from there.
  const at::Tensor place = (total - fall > eps).sum(1, /*keepdim=*/true).clamp_max(last - 1);
  const at::Tensor over = total - fall.gather(1, place) - eps;  // at most 0
  const at::Tensor slope = shrinking.gather(1, place).clamp_min(1.0);
  const at::Tensor root = corners.gather(1, place + 1) + over / slope;
  return at::where(total > eps, root, at::Scalar(0.0));
}

}  // namespace

at::Tensor into_l1_ball(double eps, const at::Tensor& delta, const at::Tensor& room) {
  const at::Tensor size = delta.abs().flatten(1).to(at::kDouble);
  const at::Tensor most = room.flatten(1).to(at::kDouble);
  const at::Tensor kept = (size - threshold(eps, size, most)).clamp_min(0.0).minimum(most);
  // As flat as delta is, whatever its memory format.
  return delta.sign() * kept.to(delta.scalar_type()).view(delta.sizes());
}

}  // namespace selfgrad
