// Norms differ in these functions alone; each works per example, so a batch changes nothing.
#include "attack/threat.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/narrow.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/where.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <vector>

#include "attack/l1_projection.h"
#include "kernels/cpu/table.h"
#include "kernels/cuda/table.h"
#include "kernels/switches.h"
#include "tensor/upload.h"

namespace selfgrad {
namespace {

constexpr int64_t kStepGrain = 8;

/// The value per example, (N), as (N, 1, 1, 1) for `like` of four dimensions.
at::Tensor per_example_view(const at::Tensor& values, const at::Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = values.size(0);
  return values.view(shape);
}

at::Tensor one_where_zero(const at::Tensor& values) {
  return values.masked_fill(values == 0, 1.0);
}

at::Tensor largest(const at::Tensor& x) {
  return x.abs().flatten(1).amax(1);
}

bool fits(const at::Tensor& x) {
  static const bool enabled = kernels::enabled("projected-step");
  const bool known = x.is_cpu() || kernels::cuda_kernels_of(x.device()) != nullptr;
  return enabled && known && x.numel() > 0 && x.scalar_type() == at::kFloat;
}

/// alpha (N) float32 on the device of x.
at::Tensor cuda_linf_step(double eps, const at::Tensor& origin, const at::Tensor& x,
                          const at::Tensor& gradient, const at::Tensor& alpha) {
  const auto format = x.suggest_memory_format();
  return kernels::cuda_kernels()->projected_step(x.contiguous(format), origin.contiguous(format),
                                                 gradient.contiguous(format), alpha, eps);
}

/// One pass over the pixels; `alpha(n)` is that of image n.
template <class Alpha>
at::Tensor fused_linf_step(double eps, const at::Tensor& origin, const at::Tensor& x,
                           const at::Tensor& gradient, const Alpha& alpha) {
  const auto format = x.suggest_memory_format();
  const at::Tensor from = x.contiguous(format), centre = origin.contiguous(format),
                   slope = gradient.contiguous(format);
  at::Tensor next = at::empty_like(from);
  const int64_t size = x.numel() / x.size(0);
  auto* to = next.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0), kStepGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = n * size;
      kernels::cpu_kernels().projected_step(
          to + at, from.const_data_ptr<float>() + at, centre.const_data_ptr<float>() + at,
          slope.const_data_ptr<float>() + at, size, static_cast<float>(alpha(n)), static_cast<float>(eps));
    }
  });
  return next;
}

}  // namespace

at::Tensor perturbation_norm(Norm norm, const at::Tensor& delta) {
  if (norm == Norm::kLinf) return largest(delta);
  return at::linalg_vector_norm(delta.flatten(1), norm == Norm::kL1 ? 1 : 2, {1});
}

at::Tensor random_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        at::IntArrayRef example_shape, at::Device device) {
  TORCH_CHECK(threat.norm != Norm::kL1, "no random start in L1");
  if (threat.norm == Norm::kLinf)
    return uniform(key, indices, example_shape, -threat.eps, threat.eps, 0, device);
  int64_t size = 1;
  for (const int64_t extent : example_shape)
    size *= extent;
  // One normal more than the direction needs: its distribution function is the uniform radius, independent of
  // the direction although both come from one stream.
  const at::Tensor draws = normal(key, indices, {size + 1});
  const at::Tensor direction = draws.narrow(1, 0, size);
  const at::Tensor radius = 0.5 * (1.0 + at::erf(draws.narrow(1, size, 1) / std::sqrt(2.0)));
  const at::Tensor length = at::linalg_vector_norm(direction, 2, {1}, /*keepdim=*/true);
  std::vector<int64_t> shape{indices.size(0)};
  shape.insert(shape.end(), example_shape.begin(), example_shape.end());
  return upload((direction * (threat.eps * radius / one_where_zero(length))).reshape(shape), device);
}

at::Tensor random_surface_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                                at::IntArrayRef example_shape, at::Device device) {
  TORCH_CHECK(threat.norm != Norm::kL1, "no surface start in L1");
  const at::Tensor draws = threat.norm == Norm::kLinf ? uniform(key, indices, example_shape, -1.0, 1.0)
                                                      : normal(key, indices, example_shape);
  const at::Tensor size = perturbation_norm(threat.norm, draws);
  return upload(draws * (threat.eps / per_example_view(one_where_zero(size), draws)), device);
}

at::Tensor steepest_direction(Norm norm, const at::Tensor& gradient) {
  TORCH_CHECK(norm != Norm::kL1, "no dense steps in L1");
  if (norm == Norm::kLinf) return gradient.sign();
  // Scaled by its largest entry first: squares of the gradients of confident images underflow.
  const at::Tensor scaled = gradient / per_example_view(one_where_zero(largest(gradient)), gradient);
  return scaled / per_example_view(one_where_zero(perturbation_norm(Norm::kL2, scaled)), gradient);
}

at::Tensor into_ball(const Threat& threat, const at::Tensor& delta) {
  if (threat.norm == Norm::kLinf) return delta.clamp(-threat.eps, threat.eps);
  if (threat.norm == Norm::kL1) return into_l1_ball(threat.eps, delta, delta.abs());
  const at::Tensor length = perturbation_norm(Norm::kL2, delta);
  const at::Tensor shrink = (threat.eps / one_where_zero(length)).clamp_max(1.0);
  return delta * per_example_view(shrink, delta);
}

at::Tensor project(const Threat& threat, const at::Tensor& origin, const at::Tensor& x) {
  const at::Tensor delta = x - origin;
  if (threat.norm != Norm::kL1) return (origin + into_ball(threat, delta)).clamp(0, 1);
  const at::Tensor room = at::where(delta > 0, 1.0 - origin, origin);
  return (origin + into_l1_ball(threat.eps, delta, room)).clamp(0, 1);
}

at::Tensor random_point(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        const at::Tensor& origin) {
  return project(threat, origin,
                 origin + random_start(threat, key, indices, origin.sizes().slice(1), origin.device()));
}

at::Tensor projected_step(const Threat& threat, const at::Tensor& origin, const at::Tensor& x,
                          const at::Tensor& gradient, double alpha) {
  if (threat.norm == Norm::kLinf && fits(x)) {
    if (x.is_cuda())
      return cuda_linf_step(threat.eps, origin, x, gradient, at::full({x.size(0)}, alpha, x.options()));
    return fused_linf_step(threat.eps, origin, x, gradient, [&](int64_t) { return alpha; });
  }
  return project(threat, origin, x + alpha * steepest_direction(threat.norm, gradient));
}

at::Tensor projected_step(const Threat& threat, const at::Tensor& origin, const at::Tensor& x,
                          const at::Tensor& gradient, const at::Tensor& alpha) {
  if (threat.norm == Norm::kLinf && fits(x)) {
    const at::Tensor alphas = alpha.to(at::kFloat).contiguous();
    if (x.is_cuda()) return cuda_linf_step(threat.eps, origin, x, gradient, alphas);
    const auto* of = alphas.const_data_ptr<float>();
    return fused_linf_step(threat.eps, origin, x, gradient, [&](int64_t n) { return of[n]; });
  }
  const at::Tensor step = per_example_view(alpha, x) * steepest_direction(threat.norm, gradient);
  return project(threat, origin, x + step);
}

}  // namespace selfgrad
