#include "train/sentinel.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace selfgrad {
namespace {

enum Field { kMean, kBest, kUpdates, kRemedy, kLogFactor, kFields };
constexpr double kFollow = 0.05;   // share of a new value in the running mean
constexpr double kWarmUp = 50;     // updates before the running mean counts
constexpr double kCollapse = 0.5;  // of the best
constexpr double kAdapt = 0.05;

}  // namespace

Sentinel::Sentinel() : state_(at::zeros({kFields}, at::kDouble)) {}

std::optional<Alarm> Sentinel::update(double agreement) {
  double* state = values();
  state[kMean] += (state[kUpdates] == 0 ? 1.0 : kFollow) * (agreement - state[kMean]);
  state[kUpdates] += 1;
  state[kRemedy] = std::max(0.0, state[kRemedy] - 1);
  state[kLogFactor] = std::clamp(state[kLogFactor] + kAdapt * agreement, -std::log(4.0), std::log(4.0));
  if (state[kUpdates] <= kWarmUp) return std::nullopt;
  state[kBest] = std::max(state[kBest], state[kMean]);
  if (remedy() || state[kMean] >= kCollapse * state[kBest]) return std::nullopt;
  state[kRemedy] = kRemedySteps;
  return Alarm{.agreement = state[kMean], .usual = state[kBest], .remedy_steps = kRemedySteps};
}

bool Sentinel::remedy() const {
  return values()[kRemedy] > 0;
}

double Sentinel::step_factor() const {
  return std::exp(values()[kLogFactor]);
}

}  // namespace selfgrad
