// Feature taps that move what flows through them, for the length of one forward.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/network.h"
#include "train/options.h"

namespace selfgrad {

/// While it lives, the taps of `features` move the first rows of a batch of `n` along the directions, one for
/// each tap or none at all.
class FeaturePerturbation {
 public:
  FeaturePerturbation(Network& network, const std::vector<FeatureTap>& features,
                      const std::vector<at::Tensor>& directions, int64_t n);
  ~FeaturePerturbation();
  FeaturePerturbation(const FeaturePerturbation&) = delete;
  FeaturePerturbation& operator=(const FeaturePerturbation&) = delete;

 private:
  Network& network_;
  const std::vector<FeatureTap>& features_;
};

}  // namespace selfgrad
