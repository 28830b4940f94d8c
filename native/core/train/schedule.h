// Learning rates as a function of progress.
#pragma once

#include "train/options.h"

namespace selfgrad {

/// The rate of step `step` of `steps`. One-cycle (Smith & Topin 2018, arXiv 1708.07120) rises linearly from 0
/// to `peak` and falls linearly to final_fraction * peak, sampled at the middle of each step.
double learning_rate(const ScheduleOptions& options, double peak, int64_t step, int64_t steps);

}  // namespace selfgrad
