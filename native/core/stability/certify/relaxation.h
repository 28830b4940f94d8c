// What an activation does to an interval: its exact range, and two lines that enclose it there.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/layers.h"

namespace selfgrad {

/// lower <= value <= upper, element by element, float64.
struct Interval {
  at::Tensor lower, upper;
};

/// lower_slope * t + lower_offset <= f(t) <= upper_slope * t + upper_offset for every t of an interval.
struct Relaxation {
  at::Tensor lower_slope, lower_offset, upper_slope, upper_offset;
  at::Tensor chosen = {};  ///< of a max-pool: which pixel t is
};

/// The range of the activation over each interval. SiLU falls up to its only minimum and rises behind it.
Interval activation_range(Activation activation, const Interval& x);

/// Lines as tight at the middle of the interval as three candidate slopes allow: the chord's, 0 and 1. ReLU:
/// the triangle of Zhang et al. 2018 (CROWN, arXiv 1811.00866). SiLU: the polygon through 17 points with the
/// margin that |SiLU''| <= 1/2 asks for, or ReLU's polygon, which is at most 0.2785 above SiLU:
/// docs/theory.md, section 9.
Relaxation relax(Activation activation, const Interval& x);

}  // namespace selfgrad
