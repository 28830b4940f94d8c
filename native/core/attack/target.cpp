// Every pass of an attack goes through here, so the counts cannot drift from what was computed.
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/all.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/select.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/topk.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "attack/attack.h"
#include "error.h"

namespace selfgrad {
namespace {

/// bfloat16 has 8 bits: what a network computes in it is off by about this share of the largest logit.
constexpr double kBfloat16Error = 0.02;

constexpr const char* kOverflow = ". Its weights or a layer overflow: train with a lower lr.";

}  // namespace

void Target::check_stop() const {
  if (stop_) throw Cancelled();
}

void Target::check_finite(const at::Tensor& logits, bool later) {
  const at::Tensor finite = at::isfinite(logits).all(1);
  if (later && logits.is_cuda()) {
    // In one place from the first time on: a recorded step writes there again.
    if (!finite_.defined()) finite_ = at::ones({}, finite.options());
    finite_.logical_and_(finite.all());
    return;
  }
  settle();
  if (finite.all().item<bool>()) return;
  const auto bad = (~finite).nonzero();
  throw Error("ERR_NUMERIC", "Expected finite logits from the network but received NaN or infinity for " +
                                 std::to_string(bad.size(0)) + " of " + std::to_string(logits.size(0)) +
                                 " images, first for image " + std::to_string(bad[0].item<int64_t>()) +
                                 " of " + place_ + kOverflow);
}

void Target::settle() {
  if (source_) source_->settle();
  if (!finite_.defined() || finite_.item<bool>()) return;
  throw Error("ERR_NUMERIC", "Expected finite logits from the network but received NaN or infinity in " +
                                 place_ + kOverflow);
}

at::Tensor Target::counted(int64_t images, const std::function<at::Tensor()>& logits, bool look_later) {
  check_stop();
  at::Tensor z = logits();
  passes_.forward += images;
  check_finite(z, look_later);
  return z;
}

void Target::count_repeated(int64_t times, const Passes& each) {
  check_stop();
  passes_.forward += times * each.forward;
  passes_.backward += times * each.backward;
}

at::Tensor Target::forward(const at::Tensor& x, bool with_graph) {
  const torch::autograd::AutoGradMode mode(with_graph);
  return counted(
      x.size(0), [&] { return logits_(x).to(at::kFloat); }, /*look_later=*/with_graph);
}

at::Tensor Target::logits(const at::Tensor& x) {
  return forward(x, /*with_graph=*/false);
}

at::Tensor Target::differentiable_logits(const at::Tensor& x) {
  return forward(x, /*with_graph=*/true);
}

void Target::count_backward(int64_t passes) {
  check_stop();
  passes_.backward += passes;
}

/// The logits (N, K) that bfloat16 gave for x, those near a tie replaced by what float32 gives.
at::Tensor Target::settle_ties(const at::Tensor& x, const at::Tensor& logits) {
  const at::Tensor top = std::get<0>(logits.topk(2, 1));
  const at::Tensor lead = top.select(1, 0) - top.select(1, 1);
  const at::Tensor rows = (lead < kBfloat16Error * logits.abs().amax(1)).nonzero().squeeze(1);
  if (rows.size(0) == 0) return logits;
  return logits.index_copy(0, rows, this->logits(x.index_select(0, rows)));
}

void Target::set_source(const Logits& logits) {
  source_ = logits ? std::make_unique<Target>(logits, seed_, stop_) : nullptr;
}

/// What the source answers, of the precision and the mean that this target was set to.
at::Tensor Target::source_gradient(const at::Tensor& x,
                                   const std::function<at::Tensor(const at::Tensor&)>& loss) {
  source_->set_samples(samples_);
  source_->set_precision(precision_);
  source_->set_place(place_ + ", by its source");
  return source_->gradient(x, loss).gradient;
}

Target::Gradient Target::gradient(const at::Tensor& x,
                                  const std::function<at::Tensor(const at::Tensor&)>& loss) {
  if (source_) return {logits(x), source_gradient(x, loss)};
  const torch::autograd::AutoGradMode graph(true);
  Gradient mean;
  for (int64_t sample = 0; sample < samples_; ++sample) {
    const at::Tensor input = x.detach().requires_grad_();
    const at::Tensor z = [&] {
      const PrecisionGuard mixed(precision_, x.device().type());
      return differentiable_logits(input);
    }();
    count_backward(x.size(0));
    // With the images as the only inputs of the engine, convolutions skip the gradient of their weights.
    const at::Tensor gradient = torch::autograd::grad({loss(z).sum()}, {input})[0];
    mean.logits = sample == 0 ? z.detach() : mean.logits + z.detach();
    mean.gradient = sample == 0 ? gradient : mean.gradient + gradient;
  }
  if (samples_ == 1) {
    if (precision_ != Precision::kFloat32) mean.logits = settle_ties(x, mean.logits);
    return mean;
  }
  const auto samples = static_cast<double>(samples_);
  return {mean.logits / samples, mean.gradient / samples};
}

}  // namespace selfgrad
