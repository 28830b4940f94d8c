// Every decision is an image's own, so its neighbours in the batch change nothing.
#include "attack/apgd_climb.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>

#include "attack/active_set.h"
#include "attack/steps.h"

namespace selfgrad {
namespace {

constexpr double kMomentum = 0.75;
constexpr double kRaisedShare = 0.75;

int64_t share_of(double share, int64_t steps) {
  return std::max<int64_t>(static_cast<int64_t>(share * static_cast<double>(steps)), 1);
}

}  // namespace

ApgdClimb::ApgdClimb(const Threat& threat, int64_t steps, const at::Tensor& origin, const at::Tensor& start)
    : threat_(threat),
      shrink_(share_of(0.03, steps)),
      shortest_(share_of(0.06, steps)),
      window_(share_of(0.22, steps)),
      checkpoint_(window_),
      taken_(0),
      origin_(origin),
      x_(start),
      previous_x_(start),
      best_x_(start),
      best_gradient_(at::zeros_like(start)),
      eta_(at::full({start.size(0)}, 2.0 * threat.eps, start.options())),
      previous_loss_(at::full_like(eta_, std::numeric_limits<double>::infinity())),
      best_loss_(at::full_like(eta_, -std::numeric_limits<double>::infinity())),
      best_at_checkpoint_(best_loss_),
      raised_(at::zeros_like(eta_)),
      halved_(at::ones({start.size(0)}, start.options().dtype(at::kBool))) {
  // Each in memory of its own, where `assign` writes in place.
  for (at::Tensor* tensor : rows())
    *tensor = own(*tensor);
}

std::vector<at::Tensor*> ApgdClimb::rows() {
  return {&origin_,        &x_,         &previous_x_,         &best_x_, &best_gradient_, &eta_,
          &previous_loss_, &best_loss_, &best_at_checkpoint_, &raised_, &halved_};
}

/// (M) bool; opens the next window.
at::Tensor ApgdClimb::needs_smaller_steps() {
  const at::Tensor wavering = raised_ <= kRaisedShare * static_cast<double>(window_);
  const at::Tensor stuck = halved_.logical_not().logical_and(best_at_checkpoint_ >= best_loss_);
  assign(halved_, wavering.logical_or(stuck));
  assign(best_at_checkpoint_, best_loss_);
  assign(raised_, at::zeros_like(raised_));
  window_ = std::max(window_ - shrink_, shortest_);
  checkpoint_ += window_;
  return halved_;
}

int64_t ApgdClimb::alike() const {
  return taken_ == 0 || taken_ == checkpoint_ ? 1 : checkpoint_ - taken_;
}

void ApgdClimb::step(const at::Tensor& loss, const at::Tensor& gradient) {
  assign(raised_, raised_ + (loss > previous_loss_));
  assign(previous_loss_, loss);
  const at::Tensor better = loss > best_loss_;
  assign(best_loss_, at::where(better, loss, best_loss_));
  assign(best_x_, where_rows(better, x_, best_x_));
  assign(best_gradient_, where_rows(better, gradient, best_gradient_));
  at::Tensor uphill = gradient;
  if (taken_ == checkpoint_) {
    const at::Tensor back = needs_smaller_steps();
    assign(eta_, at::where(back, eta_ / 2.0, eta_));
    assign(previous_loss_, at::where(back, best_loss_, previous_loss_));
    assign(x_, where_rows(back, best_x_, x_));
    uphill = where_rows(back, best_gradient_, uphill);
  }
  at::Tensor next = projected_step(threat_, origin_, x_, uphill, eta_);
  if (taken_ > 0) {
    next = project(threat_, origin_, x_ + kMomentum * (next - x_) + (1.0 - kMomentum) * (x_ - previous_x_));
  }
  assign(previous_x_, x_);
  assign(x_, next);
  ++taken_;
}

}  // namespace selfgrad
