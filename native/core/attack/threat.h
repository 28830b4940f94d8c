// The threat model and the three functions in which norms differ; every attack is written once over them.
#pragma once

#include <ATen/core/Tensor.h>

#include "tensor/philox.h"

namespace selfgrad {

enum class Norm { kLinf, kL2, kL1 };

/// Perturbations of norm at most eps (pixel units) that keep the image in [0, 1].
struct Threat {
  Norm norm = Norm::kLinf;
  double eps = 8.0 / 255.0;
};

/// A random point of the ball around zero, (N, *example_shape) float32 on `device`, the same on every one:
/// uniform for Linf; for L2 a uniform direction with radius U(0, 1) * eps (Rice et al. 2020), not uniform in
/// volume. Not for L1.
at::Tensor random_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        at::IntArrayRef example_shape, at::Device device);

/// A random point that touches the surface of that ball, as APGD starts (Croce & Hein 2020): for Linf a
/// uniform one, scaled; for L2 uniform on the sphere. (N, *example_shape) float32 on `device`, the same on
/// every one. Not for L1.
at::Tensor random_surface_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                                at::IntArrayRef example_shape, at::Device device);

/// The unit step of steepest ascent: sign(g) for Linf, g / |g|_2 per example for L2 (zero stays zero). Not
/// for L1, where it moves one coordinate: `sparse_direction`.
at::Tensor steepest_direction(Norm norm, const at::Tensor& gradient);

/// Perturbations (N, C, H, W) shortened to eps where they are longer.
at::Tensor into_ball(const Threat& threat, const at::Tensor& delta);

/// `x` moved into the eps ball around `origin`, then into [0, 1]; for L1 into both at once, the nearest
/// point. Both (N, C, H, W).
at::Tensor project(const Threat& threat, const at::Tensor& origin, const at::Tensor& x);

/// A random point of the ball around each image of `origin` (N, C, H, W), in [0, 1].
at::Tensor random_point(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        const at::Tensor& origin);

/// The step of projected gradient ascent: `x` moved by alpha along the steepest direction of `gradient`, then
/// projected. `origin`, `x` and `gradient` are (N, C, H, W), alpha is in pixel units.
at::Tensor projected_step(const Threat& threat, const at::Tensor& origin, const at::Tensor& x,
                          const at::Tensor& gradient, double alpha);
/// The same with an alpha of each example, (N).
at::Tensor projected_step(const Threat& threat, const at::Tensor& origin, const at::Tensor& x,
                          const at::Tensor& gradient, const at::Tensor& alpha);

/// Size of each perturbation in the norm, (N).
at::Tensor perturbation_norm(Norm norm, const at::Tensor& delta);

}  // namespace selfgrad
