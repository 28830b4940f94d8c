#include "stability/certify/certificate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

namespace selfgrad {
namespace {

// Forward passes in float32 differ from exact arithmetic by about this much of the largest logit.
constexpr double kLogitTie = 1e-5;
// The search for a radius goes from this share of eps to this multiple of it.
constexpr double kLeast = 0x1.0p-16;
constexpr double kMost = 4.0;

}  // namespace

at::Tensor margin_bounds(const Bounds& bounds, const LayerGraph& graph, const at::Tensor& labels) {
  const auto logits = static_cast<int64_t>(graph.layers().size()) - 1;
  const Interval& z = bounds.interval(logits);
  const at::Tensor unit = at::eye(z.lower.size(1), z.lower.options());
  const at::Tensor spec = unit.index_select(0, labels).unsqueeze(1) - unit;
  const at::Tensor interval = bounds.lower_bound(logits, spec, graph.layers()[logits].input);
  const at::Tensor linear = bounds.lower_bound(logits, spec);
  return at::maximum(interval, linear)
      .scatter(1, labels.unsqueeze(1), std::numeric_limits<double>::infinity());
}

Certificates certify(const LayerGraph& graph, const at::Tensor& images, const at::Tensor& labels,
                     const at::Tensor& logits, const Threat& threat, const CertifyOptions& options,
                     const std::atomic<bool>& stop) {
  const at::Tensor tie = kLogitTie * logits.abs().amax(1).clamp_min(1.0).to(at::kDouble);
  const auto margins = [&](const at::Tensor& eps) {
    const Bounds bounds(graph, {images, threat.norm, eps}, options.refine, stop);
    return margin_bounds(bounds, graph, labels).amin(1);
  };
  const at::Tensor eps = at::full({images.size(0)}, threat.eps, tie.options());
  Certificates result;
  result.margin = margins(eps);
  result.certified = result.margin > tie;
  // Radii differ by orders of magnitude between networks: their logarithm is bisected.
  at::Tensor low = at::where(result.certified, eps, kLeast * eps);
  at::Tensor high = at::where(result.certified, kMost * eps, eps);
  result.radius = at::where(result.certified, eps, at::zeros_like(eps));
  for (int64_t step = 0; step < options.bisections; ++step) {
    const at::Tensor middle = (low * high).sqrt();
    const at::Tensor holds = margins(middle) > tie;
    result.radius = at::where(holds, middle, result.radius);
    low = at::where(holds, middle, low);
    high = at::where(holds, high, middle);
  }
  return result;
}

}  // namespace selfgrad
