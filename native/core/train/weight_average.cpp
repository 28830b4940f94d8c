#include "train/weight_average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/lerp.h>

#include <algorithm>

namespace selfgrad {

WeightAverage::WeightAverage(const Network& network, double decay) : decay_(decay), live_(network.state()) {
  for (const auto& [name, tensor] : live_)
    averaged_.emplace_back("average." + name, tensor.detach().clone());
}

void WeightAverage::update(int64_t step) {
  const at::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const double decay = std::min(decay_, (t + 1) / (t + 10));
  for (size_t i = 0; i < live_.size(); ++i) {
    if (live_[i].second.is_floating_point())
      averaged_[i].second.lerp_(live_[i].second, 1 - decay);
    else
      averaged_[i].second.copy_(live_[i].second);  // BatchNorm's count of batches
  }
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < live_.size(); ++i) {
    const at::Tensor kept = live_[i].second.detach().clone();
    live_[i].second.copy_(averaged_[i].second);
    averaged_[i].second.copy_(kept);
  }
}

NamedTensors WeightAverage::state() const {
  return averaged_;
}

}  // namespace selfgrad
