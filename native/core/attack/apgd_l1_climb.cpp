// Every decision is an image's own, so its neighbours in the batch change nothing.
#include "attack/apgd_l1_climb.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>

#include "attack/active_set.h"

namespace selfgrad {
namespace {

constexpr double kFirstShare = 0.2;
constexpr double kShrink = 1.5;       // of eta and of the coordinates that a step moves
constexpr double kFewer = 0.95;       // share of the changed coordinates below which they have become fewer
constexpr double kSmallestEta = 0.1;  // of eps

}  // namespace

at::Tensor sparse_direction(const at::Tensor& gradient, const at::Tensor& share) {
  const at::Tensor size = gradient.abs().flatten(1);
  const int64_t count = size.size(1);
  const at::Tensor place =
      ((1.0 - share) * static_cast<double>(count)).clamp(0, static_cast<double>(count - 1)).to(at::kLong);
  const at::Tensor least = std::get<0>(size.sort(1)).gather(1, place.unsqueeze(1)).view({-1, 1, 1, 1});
  const at::Tensor signs = at::where(gradient.abs() >= least, gradient.sign(), at::Scalar(0.0F));
  return signs / signs.abs().sum({1, 2, 3}, /*keepdim=*/true).clamp_min(1.0);
}

ApgdL1Climb::ApgdL1Climb(const Threat& threat, int64_t steps, const at::Tensor& origin,
                         const at::Tensor& start)
    : threat_(threat),
      window_(std::max<int64_t>(static_cast<int64_t>(0.04 * static_cast<double>(steps)), 1)),
      taken_(0),
      origin_(origin),
      x_(start),
      best_x_(start),
      best_gradient_(at::zeros_like(start)),
      eta_(at::full({start.size(0)}, threat.eps, start.options())),
      best_loss_(at::full_like(eta_, -std::numeric_limits<double>::infinity())),
      kept_(at::full_like(eta_, kFirstShare)),
      changed_(at::full_like(eta_, start.numel() / std::max<int64_t>(start.size(0), 1))) {}

std::vector<at::Tensor*> ApgdL1Climb::rows() {
  return {&origin_, &x_, &best_x_, &best_gradient_, &eta_, &best_loss_, &kept_, &changed_};
}

/// (M) bool: who goes back to its best point.
at::Tensor ApgdL1Climb::settle_at_checkpoint() {
  const auto coordinates = static_cast<double>(x_[0].numel());
  const at::Tensor now = (best_x_ != origin_).flatten(1).sum(1).to(eta_.scalar_type());
  at::Tensor fewer = now < kFewer * changed_;
  kept_ = now / coordinates / kShrink;
  changed_ = now;
  eta_ = at::where(fewer, at::Scalar(threat_.eps), (eta_ / kShrink).clamp_min(kSmallestEta * threat_.eps))
             .to(x_.scalar_type());
  return fewer;
}

void ApgdL1Climb::step(const at::Tensor& loss, const at::Tensor& gradient) {
  const at::Tensor better = loss > best_loss_;
  best_loss_ = at::where(better, loss, best_loss_);
  best_x_ = where_rows(better, x_, best_x_);
  best_gradient_ = where_rows(better, gradient, best_gradient_);
  at::Tensor uphill = gradient;
  if (taken_ > 0 && taken_ % window_ == 0) {
    const at::Tensor back = settle_at_checkpoint();
    x_ = where_rows(back, best_x_, x_);
    uphill = where_rows(back, best_gradient_, uphill);
  }
  const at::Tensor direction = sparse_direction(uphill, kept_);
  x_ = project(threat_, origin_, x_ + eta_.view({-1, 1, 1, 1}) * direction);
  ++taken_;
}

}  // namespace selfgrad
