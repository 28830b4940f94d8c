// Whole-image masks stand for windows, so that every image of a batch can have its own.
#include "attack/square_proposal.h"

#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace selfgrad {
namespace {

// Blocks of an image's stream that belong to its start; those of the queries follow.
constexpr int64_t kStartBlocks = 1 << 16;
// Keeps the direction of an empty window finite, as in the original.
constexpr double kTinyNorm = 1e-12;

/// (N, count) float32 on the CPU, uniform in [0, 1).
at::Tensor unit_draws(const DrawKey& key, const at::Tensor& indices, int64_t first_block, int64_t count) {
  return uniform(key, indices, {count}, 0, 1, first_block);
}

/// -1 or 1, as likely.
at::Tensor signs(const at::Tensor& draws) {
  return (draws < 0.5).to(at::kFloat) * 2 - 1;
}

/// 0 … count - 1, as likely; int64.
at::Tensor positions(const at::Tensor& draws, int64_t count) {
  return (draws * count).floor().to(at::kLong);
}

/// Windows, one an image: the first row and column, (N) int64, and their side.
struct Windows {
  at::Tensor row, column;
  int64_t side;

  /// (N, 1, H, W) bool.
  at::Tensor inside(int64_t height, int64_t width) const {
    const auto within = [&](const at::Tensor& first, int64_t extent) {
      const at::Tensor offset = at::arange(extent, first.options()).unsqueeze(0) - first.unsqueeze(1);
      return (offset >= 0).logical_and(offset < side);
    };
    return within(row, height)
        .view({-1, 1, height, 1})
        .logical_and(within(column, width).view({-1, 1, 1, width}));
  }

  Area area() const {
    const auto values = [](const at::Tensor& first) {
      const at::Tensor places = first.cpu().contiguous();
      const auto* data = places.const_data_ptr<int64_t>();
      return std::vector<int64_t>(data, data + places.numel());
    };
    return {values(row), values(column), side, side};
  }
};

/// draws (N, 2).
Windows windows(const at::Tensor& draws, int64_t side, int64_t height, int64_t width) {
  return {positions(draws.select(1, 0), height - side + 1), positions(draws.select(1, 1), width - side + 1),
          side};
}

/// square_bumps, lying (0) or standing (1): (2, side, side).
at::Tensor both_ways(int64_t side, const at::Device& device) {
  const at::Tensor bumps = square_bumps(side);
  return at::stack({bumps, bumps.t()}).to(device);
}

/// `origin` moved by eps along each of the perturbations.
at::Tensor at_radius(double eps, const at::Tensor& origin, const at::Tensor& delta) {
  return (origin + eps * steepest_direction(Norm::kL2, delta)).clamp(0, 1);
}

/// L2 norm of each channel, (N, C, 1, 1).
at::Tensor channel_norm(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, {2, 3}, /*keepdim=*/true);
}

at::Tensor bump_grid(const DrawKey& key, const at::Tensor& indices, const at::Tensor& origin) {
  const int64_t channels = origin.size(1), height = origin.size(2), width = origin.size(3);
  const int64_t side = std::max<int64_t>(1, std::min(height, width) / 5);
  const int64_t rows = height / side, columns = width / side;
  const at::Tensor draws = unit_draws(key, indices, 0, rows * columns * (channels + 1))
                               .view({-1, rows * columns, channels + 1})
                               .to(origin.device());
  const at::Tensor bumps = both_ways(side, origin.device());
  at::Tensor delta = at::zeros_like(origin);
  for (int64_t patch = 0; patch < rows * columns; ++patch) {
    const at::Tensor draw = draws.select(1, patch);
    const at::Tensor pattern = bumps.index({positions(draw.select(1, 0), 2)}).unsqueeze(1);
    delta.narrow(2, (height - rows * side) / 2 + patch / columns * side, side)
        .narrow(3, (width - columns * side) / 2 + patch % columns * side, side)
        .copy_(pattern * signs(draw.narrow(1, 1, channels)).view({-1, channels, 1, 1}));
  }
  return delta;
}

/// draws (N, 2 + C).
SquareProposal linf_proposal(double eps, const at::Tensor& draws, int64_t side, const at::Tensor& origin,
                             const at::Tensor& x) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const at::Tensor sign = signs(draws.narrow(1, 2, channels)).view({-1, channels, 1, 1});
  const Windows changed = windows(draws, side, height, width);
  return {at::where(changed.inside(height, width), (origin + eps * sign).clamp(0, 1), x), changed.area()};
}

/// draws (N, 5 + C).
at::Tensor l2_proposal(double eps, const at::Tensor& draws, int64_t side, const at::Tensor& origin,
                       const at::Tensor& x) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const at::Tensor delta = x - origin;
  const Windows to = windows(draws, side, height, width);
  const at::Tensor inside = to.inside(height, width);
  const at::Tensor emptied = windows(draws.narrow(1, 2, 2), side, height, width).inside(height, width);
  const auto offset = [&](const at::Tensor& first, int64_t extent) {
    return (at::arange(extent, first.options()) - first.unsqueeze(1)).clamp(0, side - 1);
  };
  const at::Tensor bumps =
      both_ways(side, x.device())
          .index({positions(draws.select(1, 4), 2).view({-1, 1, 1}), offset(to.row, height).unsqueeze(2),
                  offset(to.column, width).unsqueeze(1)})
          .unsqueeze(1);
  const at::Tensor sign = signs(draws.narrow(1, 5, channels)).view({-1, channels, 1, 1});
  const at::Tensor old = delta * inside;
  const at::Tensor direction = (sign * bumps + old / channel_norm(old).clamp_min(kTinyNorm)) * inside;
  const at::Tensor unused = (eps * eps - (delta * delta).sum({1, 2, 3}, /*keepdim=*/true)).clamp_min(0);
  const at::Tensor spent = channel_norm(delta * inside.logical_or(emptied));
  const at::Tensor length = (unused / channels + spent * spent).sqrt();
  const at::Tensor moved = direction * (length / channel_norm(direction).clamp_min(kTinyNorm));
  return at_radius(eps, origin, at::where(inside, moved, delta * emptied.logical_not()));
}

/// Fills `rows` rows of `out` (rows, columns) with one bump of L2 norm 1.
void fill_bump(float* out, int64_t rows, int64_t columns, double sign) {
  const int64_t farthest = std::max(rows / 2, columns / 2);
  // heights[d], at Chebyshev distance d: sum over k = d … farthest of 1 / (k + 1)^2.
  std::vector<double> heights(farthest + 1);
  double height = 0;
  for (int64_t d = farthest; d >= 0; --d)
    heights[d] = height += 1.0 / static_cast<double>((d + 1) * (d + 1));
  const auto height_at = [&](int64_t i) {
    return heights[std::max(std::abs(i / columns - rows / 2), std::abs(i % columns - columns / 2))];
  };
  double square = 0;
  for (int64_t i = 0; i < rows * columns; ++i)
    square += height_at(i) * height_at(i);
  for (int64_t i = 0; i < rows * columns; ++i)
    out[i] = static_cast<float>(sign * height_at(i) / std::sqrt(square));
}

}  // namespace

double square_share(double p_init, int64_t iteration, int64_t queries) {
  double share = p_init;
  for (const int64_t last : {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000})
    if (iteration * 10000 / queries > last) share /= 2;
  return share;
}

int64_t square_side(Norm norm, double share, int64_t height, int64_t width) {
  auto side = static_cast<int64_t>(std::lround(std::sqrt(share * static_cast<double>(height * width))));
  side = norm == Norm::kLinf ? std::max<int64_t>(side, 1) : std::max<int64_t>(side, 3) | 1;
  return std::min({side, height, width});
}

at::Tensor square_bumps(int64_t side) {
  at::Tensor bumps = at::empty({side, side}, at::kFloat);
  auto* data = bumps.mutable_data_ptr<float>();
  const int64_t above = side / 2;
  fill_bump(data, above, side, 1);
  fill_bump(data + above * side, side - above, side, -1);
  return bumps / at::linalg_vector_norm(bumps);
}

at::Tensor square_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        const at::Tensor& origin) {
  if (threat.norm == Norm::kL2) return at_radius(threat.eps, origin, bump_grid(key, indices, origin));
  const int64_t channels = origin.size(1), width = origin.size(3);
  const at::Tensor draws = unit_draws(key, indices, 0, channels * width).to(origin.device());
  return (origin + threat.eps * signs(draws).view({-1, channels, 1, width})).clamp(0, 1);
}

SquareProposal square_proposal(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                               int64_t query, int64_t side, const at::Tensor& origin, const at::Tensor& x) {
  const bool linf = threat.norm == Norm::kLinf;
  const int64_t count = (linf ? 2 : 5) + x.size(1);
  const int64_t first_block = kStartBlocks + (query - 1) * ((count + 3) / 4);
  const at::Tensor draws = unit_draws(key, indices, first_block, count).to(x.device());
  return linf ? linf_proposal(threat.eps, draws, side, origin, x)
              : SquareProposal{l2_proposal(threat.eps, draws, side, origin, x), {}};
}

}  // namespace selfgrad
