// The Euclidean projection onto what an L1 adversary may do (Croce & Hein 2021, "Mind the box: l1-APGD for
// sparse adversarial attacks on image classifiers", proposition 2.1, https://arxiv.org/abs/2103.01208).
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

/// The nearest d to delta (N, …) with sum |d_i| <= eps and, coordinate by coordinate, |d_i| <= room_i of the
/// same sign: d_i = sign(delta_i) min(max(|delta_i| - t, 0), room_i) with the smallest t >= 0 that keeps the
/// budget, an image's own. room (N, …) is at least 0. Exact up to float32: t is a root of a piecewise linear
/// function, found by sorting its corners.
at::Tensor into_l1_ball(double eps, const at::Tensor& delta, const at::Tensor& room);

}  // namespace selfgrad
