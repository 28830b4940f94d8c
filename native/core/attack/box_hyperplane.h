// The nearest point of a hyperplane within the pixel box: the step of the boundary attack FAB.
#pragma once

#include <ATen/core/Tensor.h>

#include "attack/threat.h"

namespace selfgrad {

/// The perturbation d of smallest norm with <normal, d> = gap and x + d in [0, 1], of each example; where the
/// box does not reach the plane, the one to the corner nearest to it. x in [0, 1] and normal (N, C, H, W),
/// gap (N) of either sign -> (N, C, H, W). Coordinates of zero normal stay; so does all where the normal is
/// zero.
///
/// With gap > 0, d_i = sign(normal_i) min(s v_i, room_i), v = 1 for Linf and |normal| for L2, and s solves
/// sum_i |normal_i| min(s v_i, room_i) = gap. The sum is concave and piecewise linear in s, so Newton's
/// method from s = 0 climbs to the root and reaches it exactly, after a few passes over the pixels and
/// without sorting them.
at::Tensor shortest_to_hyperplane(Norm norm, const at::Tensor& x, const at::Tensor& normal,
                                  const at::Tensor& gap);

}  // namespace selfgrad
