#include "nn/normalize.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cpu/channel_layout.h"
#include "kernels/cuda/table.h"
#include "kernels/switches.h"

namespace selfgrad {
namespace {

using kernels::ChannelLayout;
using kernels::for_storage;
using kernels::Span;
using kernels::Table;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Table table_of(const ChannelLayout& layout, const at::Tensor& values) {
  const auto* value = values.const_data_ptr<float>();
  return layout.table([&](int64_t c) { return value[c]; });
}

at::Tensor empty_like_in(const at::Tensor& x, at::ScalarType storage) {
  return at::empty(x.sizes(), x.options().dtype(storage).memory_format(at::MemoryFormat::ChannelsLast));
}

/// (x - mean) / std in one pass, in the storage type of the autocast that is on.
class FusedNormalize : public torch::autograd::Function<FusedNormalize> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& mean,
                            const at::Tensor& std) {
    const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast);
    context->save_for_backward({std});
    if (x.is_cuda()) return kernels::cuda_kernels()->normalize(x, mean, std, storage(x));
    const ChannelLayout layout(x);
    const Table means = table_of(layout, mean), stds = table_of(layout, std);
    at::Tensor y = empty_like_in(x, storage(x));
    for_storage(y, [&](auto zero) {
      using T = decltype(zero);
      const auto& kernels = kernels::cpu_kernels().normalize<T>();
      layout.for_each([&](int64_t, Span span) {
        kernels.forward(y.mutable_data_ptr<T>(), x.const_data_ptr<float>(), span, means.data(), stds.data());
      });
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor std = context->get_saved_variables()[0];
    if (at::GradMode::is_enabled()) return {gradients[0].to(at::kFloat) / std, {}, {}};
    const at::Tensor gy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    if (gy.is_cuda()) return {kernels::cuda_kernels()->normalize_backward(gy, std), {}, {}};
    const ChannelLayout layout(gy);
    const Table stds = table_of(layout, std);
    at::Tensor gx = empty_like_in(gy, at::kFloat);
    for_storage(gy, [&](auto zero) {
      using T = decltype(zero);
      const auto& kernels = kernels::cpu_kernels().normalize<T>();
      layout.for_each([&](int64_t, Span span) {
        kernels.backward(gx.mutable_data_ptr<float>(), gy.const_data_ptr<T>(), span, stds.data());
      });
    });
    return {gx, {}, {}};
  }

  static at::ScalarType storage(const at::Tensor& x) {
    const c10::DeviceType device = x.device().type();
    return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : at::kFloat;
  }
};

bool fits(const at::Tensor& x, const at::Tensor& mean) {
  static const bool enabled = kernels::enabled("normalize");
  const auto storage = FusedNormalize::storage(x);
  const bool known = x.is_cpu() || kernels::cuda_kernels_of(x.device()) != nullptr;
  return enabled && known && x.numel() > 0 && x.scalar_type() == at::kFloat &&
         mean.scalar_type() == at::kFloat && (storage == at::kFloat || storage == at::kBFloat16);
}

}  // namespace

Normalize::Normalize(const std::vector<double>& mean, const std::vector<double>& std) {
  const auto channels = static_cast<int64_t>(mean.size());
  mean_ = register_buffer("mean", at::tensor(mean, at::kFloat).view({1, channels, 1, 1}));
  std_ = register_buffer("std", at::tensor(std, at::kFloat).view({1, channels, 1, 1}));
}

at::Tensor Normalize::forward(const at::Tensor& x) const {
  return fits(x, mean_) ? FusedNormalize::apply(x, mean_, std_) : (x - mean_) / std_;
}

}  // namespace selfgrad
