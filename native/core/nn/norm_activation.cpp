#include "nn/norm_activation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "kernels/cpu/channel_layout.h"
#include "kernels/cuda/table.h"
#include "kernels/norm_statistics.h"
#include "kernels/switches.h"
#include "nn/rank_statistics.h"

namespace selfgrad {
namespace {

using kernels::ChannelLayout;
using kernels::for_storage;
using kernels::Span;
using kernels::Table;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Per channel, (C) float64; the variance is the biased one.
struct Statistics {
  at::Tensor mean, variance;
  int64_t pixels = 0;  ///< a channel, that they were taken over
};

/// Sums are taken around the mean of a few pixels of the whole batch, so that the square of a large mean
/// cancels nothing; a mean of few bits, so that differences to values of few bits are exact: rounded alike,
/// they would add up to a bias.
template <class T>
Statistics batch_statistics(const ChannelLayout& layout, const T* x) {
  const int64_t pixels = layout.elements / layout.channels;
  const int64_t sampled = std::min<int64_t>(pixels, 64);
  const Table pivot = layout.table([&](int64_t c) {
    double sum = 0;
    for (int64_t i = 0; i < sampled; ++i)
      sum += static_cast<float>(x[i * pixels / sampled * layout.channels + c]);
    return static_cast<float>(c10::BFloat16(static_cast<float>(sum / static_cast<double>(sampled))));
  });
  const auto& kernels = kernels::cpu_kernels().norm_activation<T>();
  const auto [sum, squares] = layout.sums(
      [&](Span span, float* first, float* second) { kernels.moments(x, span, pivot.data(), first, second); });
  Statistics statistics{at::empty({layout.channels}, at::kDouble), at::empty({layout.channels}, at::kDouble),
                        pixels};
  auto* mean = statistics.mean.mutable_data_ptr<double>();
  auto* variance = statistics.variance.mutable_data_ptr<double>();
  for (int64_t c = 0; c < layout.channels; ++c) {
    const auto of = kernels::channel_statistics(pivot[c], sum[c], squares[c], static_cast<double>(pixels));
    mean[c] = of.mean;
    variance[c] = of.variance;
  }
  return statistics;
}

/// Those of all ranks' batches from each rank's own.
Statistics over_ranks(World& world, const Statistics& own) {
  const auto pixels = static_cast<double>(own.pixels);
  const at::Tensor mean = own.mean * pixels;
  const at::Tensor squares = (own.variance + own.mean.square()) * pixels;
  const at::Tensor count = at::full({1}, pixels, at::kDouble);
  world.sum({mean, squares, count});
  const at::Tensor total_mean = mean / count;
  return {total_mean, (squares / count - total_mean.square()).clamp_min(0), count.item<int64_t>()};
}

/// scale = w invstd and shift = b - mean scale, where invstd = 1 / sqrt(variance + eps).
struct Affine {
  Affine(const ChannelLayout& layout, const Statistics& statistics, const at::Tensor& weight,
         const at::Tensor& bias)
      : mean(statistics.mean.const_data_ptr<double>()),
        variance(statistics.variance.const_data_ptr<double>()) {
    const auto* w = weight.const_data_ptr<float>();
    const auto* b = bias.const_data_ptr<float>();
    scale = layout.table([&](int64_t c) { return w[c] * invstd(c); });
    shift = layout.table([&](int64_t c) { return b[c] - mean[c] * w[c] * invstd(c); });
  }
  double invstd(int64_t c) const { return kernels::inverse_std(variance[c], BatchNorm2d::kEps); }

  const double *mean, *variance;
  Table scale, shift;
};

template <class T>
struct Batch {
  T* gx;
  const T *gy, *x;
};

/// What the statistics were taken over.
struct Scope {
  bool training;   ///< the batch
  WorldPtr world;  ///< all ranks' batches; null: this process's
  int64_t pixels;  ///< a channel
};

/// The gradients at x (where the statistics are the batch's, through them too), at the weight and at the
/// bias; at the last two of this rank's own pixels.
template <class T>
void backward_with_sums(const ChannelLayout& layout, const Affine& affine, const Batch<T>& batch,
                        kernels::Act act, const Scope& scope, float* gw, float* gb) {
  const auto& kernels = kernels::cpu_kernels().norm_activation<T>();
  const Table mean = layout.table([&](int64_t c) { return affine.mean[c]; });
  auto totals = layout.sums([&](Span span, float* first, float* second) {
    kernels.backward(act, batch.gx, batch.gy, batch.x, span, affine.scale.data(), affine.shift.data(),
                     mean.data(), first, second);
  });
  auto& sum = totals[0];
  auto& product = totals[1];
  for (int64_t c = 0; c < layout.channels; ++c) {
    gb[c] = static_cast<float>(sum[c]);
    gw[c] = static_cast<float>(product[c] * affine.invstd(c));
  }
  if (scope.training && scope.world)
    scope.world->sum({at::from_blob(sum.data(), {layout.channels}, at::kDouble),
                      at::from_blob(product.data(), {layout.channels}, at::kDouble)});
  const double share = scope.training ? 1.0 / static_cast<double>(scope.pixels) : 0;
  const auto slope_of = [&](int64_t c) {
    return kernels::channel_slope(affine.scale[c], affine.mean[c], affine.invstd(c), sum[c], product[c],
                                  share);
  };
  const Table slope = layout.table([&](int64_t c) { return slope_of(c).slope; });
  const Table offset = layout.table([&](int64_t c) { return slope_of(c).offset; });
  layout.for_each([&](int64_t, Span span) {
    kernels.gradient(batch.gx, batch.gx, batch.x, span, affine.scale.data(), slope.data(), offset.data());
  });
}

/// The gradients with a graph of their own, by LibTorch's operations; of `inputs`, x, weight and bias.
variable_list differentiable_backward(const at::Tensor& gy, const variable_list& inputs,
                                      const Statistics& statistics, const Scope& scope,
                                      Activation activation) {
  const at::Tensor mean = scope.training ? at::Tensor() : statistics.mean.to(at::kFloat);
  const at::Tensor variance = scope.training ? at::Tensor() : statistics.variance.to(at::kFloat);
  const at::Tensor z =
      scope.training && scope.world
          ? normalized(inputs[0], inputs[1], inputs[2], rank_statistics(inputs[0], scope.world))
          : batch_norm(inputs[0], inputs[1], inputs[2], mean, variance, scope.training);
  const at::Tensor y = activate(activation, z);
  variable_list wanted;
  for (const at::Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(input);
  const variable_list found =
      torch::autograd::grad({y}, wanted, {gy}, /*retain_graph=*/true, /*create_graph=*/true);
  variable_list result;
  auto next = found.begin();
  for (const at::Tensor& input : inputs)
    result.push_back(input.requires_grad() ? *next++ : at::Tensor());
  return result;
}

class NormActivation : public torch::autograd::Function<NormActivation> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias, BatchNorm2d* norm, Activation activation) {
    const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast);
    const bool training = norm->is_training();
    Statistics statistics;
    if (!training) statistics = {norm->running_mean().to(at::kDouble), norm->running_var().to(at::kDouble)};
    at::Tensor y = x.is_cuda() ? on_gpu(x, weight, bias, activation, statistics)
                               : on_cpu(x, weight, bias, activation, norm->world(), statistics);
    if (training) norm->update_running(statistics.mean, statistics.variance, statistics.pixels);
    context->save_for_backward({input, weight, bias, statistics.mean, statistics.variance});
    context->saved_data["training"] = training;
    context->saved_data["pixels"] = statistics.pixels;
    if (norm->world()) context->saved_data["world"] = c10::IValue::make_capsule(norm->world());
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const variable_list inputs(saved.begin(), saved.begin() + 3);
    const Statistics statistics{saved[3], saved[4]};
    const auto world = context->saved_data.find("world");
    const Scope scope{.training = context->saved_data["training"].toBool(),
                      .world = world == context->saved_data.end()
                                   ? WorldPtr()
                                   : c10::static_intrusive_pointer_cast<World>(world->second.toCapsule()),
                      .pixels = context->saved_data["pixels"].toInt()};
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    if (at::GradMode::is_enabled()) {
      variable_list result = differentiable_backward(gradients[0], inputs, statistics, scope, activation);
      result.resize(5);
      return result;
    }
    variable_list result(5);
    const at::Tensor gy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor x = inputs[0].contiguous(at::MemoryFormat::ChannelsLast);
    const bool parameters = context->needs_input_grad(1) || context->needs_input_grad(2);
    if (x.is_cuda()) {
      const kernels::CudaNormGradients found = kernels::cuda_kernels()->norm_activation_backward(
          act_of(activation), gy, x, inputs[1], inputs[2], statistics.mean, statistics.variance,
          BatchNorm2d::kEps, scope.training, parameters);
      return {found.x, found.weight, found.bias, {}, {}};
    }
    const ChannelLayout layout(x);
    const Affine affine(layout, statistics, inputs[1], inputs[2]);
    result[0] = at::empty_like(x);
    for_storage(x, [&](auto storage) {
      using T = decltype(storage);
      const Batch<T> batch{result[0].mutable_data_ptr<T>(), gy.const_data_ptr<T>(), x.const_data_ptr<T>()};
      if (scope.training || parameters) {
        result[1] = at::empty_like(inputs[1]);
        result[2] = at::empty_like(inputs[2]);
        backward_with_sums(layout, affine, batch, act_of(activation), scope,
                           result[1].mutable_data_ptr<float>(), result[2].mutable_data_ptr<float>());
      } else {
        const auto& kernels = kernels::cpu_kernels().norm_activation<T>();
        layout.for_each([&](int64_t, Span span) {
          kernels.backward_constant(act_of(activation), batch.gx, batch.gy, batch.x, span,
                                    affine.scale.data(), affine.shift.data());
        });
      }
    });
    return result;
  }

 private:
  /// Undefined statistics are those of the batch, which are filled in.
  static at::Tensor on_gpu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           Activation activation, Statistics& statistics) {
    const kernels::CudaNormed normed = kernels::cuda_kernels()->norm_activation(
        act_of(activation), x, weight, bias, statistics.mean, statistics.variance, BatchNorm2d::kEps);
    statistics = {normed.mean, normed.variance, x.numel() / x.size(1)};
    return normed.y;
  }

  static at::Tensor on_cpu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           Activation activation, const WorldPtr& world, Statistics& statistics) {
    const ChannelLayout layout(x);
    at::Tensor y = at::empty_like(x);
    for_storage(x, [&](auto storage) {
      using T = decltype(storage);
      const T* from = x.const_data_ptr<T>();
      T* to = y.mutable_data_ptr<T>();
      if (!statistics.mean.defined()) {
        statistics = batch_statistics(layout, from);
        if (world) statistics = over_ranks(*world, statistics);
      }
      const Affine affine(layout, statistics, weight, bias);
      const auto& kernels = kernels::cpu_kernels().norm_activation<T>();
      layout.for_each([&](int64_t, Span span) {
        kernels.forward(act_of(activation), to, from, span, affine.scale.data(), affine.shift.data());
      });
    });
    return y;
  }
};

bool fits(const BatchNorm2d& norm, const at::Tensor& x) {
  static const bool enabled = kernels::enabled("norm-activation");
  // The GPU's kernels take their statistics by themselves, from one rank's batch.
  const bool known = x.is_cpu() || (kernels::cuda_kernels_of(x.device()) != nullptr && !norm.world());
  return enabled && known && x.numel() > 0 && norm.weight().scalar_type() == at::kFloat &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor norm_activation(BatchNorm2d& norm, Activation activation, const at::Tensor& x) {
  if (!fits(norm, x)) return activate(activation, norm.forward(x));
  return NormActivation::apply(x, norm.weight(), norm.bias(), &norm, activation);
}

}  // namespace selfgrad
