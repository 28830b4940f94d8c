// Where Square starts and what it tries next; the search itself is square.cpp. Every image has draws of its
// own (Andriushchenko et al. 2020, algorithms 2 and 3, https://arxiv.org/abs/1912.00049).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "attack/threat.h"
#include "nn/window_patches.h"

namespace selfgrad {

/// The paper's p, the share of the pixels that a window covers, in iteration 0 … queries - 1: p_init, halved
/// after each of the iterations 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10 000, scaled to
/// `queries`.
double square_share(double p_init, int64_t iteration, int64_t queries);

/// Side in pixels of the window that covers `share` of the image: at least 1 for Linf; for L2 odd and at
/// least 3; never more than the image's shorter side.
int64_t square_side(Norm norm, double share, int64_t height, int64_t width);

/// A pattern of L2 norm 1, (side, side): two bumps of opposite sign, one above the other, which fall off with
/// the distance from their centres (the paper's equation 2).
at::Tensor square_bumps(int64_t side);

/// First points, (N, C, H, W) like `origin`, in the ball and in [0, 1]. Linf: vertical stripes of +-eps, a
/// sign per column and channel. L2: a grid of square_bumps with a sign per patch and channel, scaled to eps.
at::Tensor square_start(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                        const at::Tensor& origin);

struct SquareProposal {
  at::Tensor images;  ///< (N, C, H, W)
  Area windows;       ///< Linf: what changed; empty for L2, which changes images everywhere
};

/// What query 1, 2, … tries in place of `x`, both (N, C, H, W), in the ball around `origin` and in [0, 1].
/// Linf: one window of +-eps, a sign per channel. L2: the norm of two windows and what is left of eps go into
/// the first, as its old direction plus square_bumps; the second becomes zero.
///
/// Windows reach the last row and column as in the paper; the authors' code stops one pixel before them. It
/// also draws anew for Linf when a window changes nothing; AutoAttack's and this do not.
SquareProposal square_proposal(const Threat& threat, const DrawKey& key, const at::Tensor& indices,
                               int64_t query, int64_t side, const at::Tensor& origin, const at::Tensor& x);

}  // namespace selfgrad
