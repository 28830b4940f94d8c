#include "train/feature_perturbation.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

namespace selfgrad {
namespace {

// Rows of zeros behind those of x until there are n.
at::Tensor padded(const at::Tensor& x, int64_t n) {
  if (x.size(0) == n) return x;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[0] = n - x.size(0);
  return at::cat({x, at::zeros(shape, x.options())});
}

}  // namespace

FeaturePerturbation::FeaturePerturbation(Network& network, const std::vector<FeatureTap>& features,
                                         const std::vector<at::Tensor>& directions, int64_t n)
    : network_(network), features_(features) {
  for (size_t i = 0; i < directions.size(); ++i)
    network.tap(features[i].place).perturb(padded(directions[i], n), features[i].rho);
}

FeaturePerturbation::~FeaturePerturbation() {
  for (const FeatureTap& feature : features_)
    network_.tap(feature.place).perturb({}, 0);
}

}  // namespace selfgrad
