// The losses of strategies that train on more than the cross-entropy at one image: functions of logits and
// gradients alone, so that each can be held against its paper.
#pragma once

#include <ATen/core/Tensor.h>

namespace selfgrad {

/// Cross-entropy of each example, (N), of logits (N, K) and labels (N) int64, with label smoothing. Weights
/// of the classes (K), where they are defined, multiply the terms of their classes, as PyTorch has it.
at::Tensor smoothed_cross_entropies(const at::Tensor& logits, const at::Tensor& labels, double smoothing,
                                    const at::Tensor& class_weights = {});

/// Their batch mean; with weights of the classes their sum over the sum of the labels' weights.
at::Tensor smoothed_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing,
                                  const at::Tensor& class_weights = {});

/// KL(p ‖ q) per example, (N), of p = softmax(natural) and q = softmax(adversarial), both logits (N, K).
/// Through log-softmax: value and both gradients stay finite however confident the logits are.
at::Tensor kl_divergence(const at::Tensor& natural, const at::Tensor& adversarial);

/// Where the batch is shared out to ranks: what the sum of a rank's part of the batch is of the whole sum, of
/// the images and of their labels' class weights. 1 without ranks.
struct BatchShare {
  double images = 1, weights = 1;
};

/// CE(natural) + beta KL(natural ‖ adversarial), batch means times the share (Zhang et al. 2019, arXiv
/// 1901.08573, equation 5). Logits (N, K), labels (N) int64; smoothing and class weights apply to the
/// cross-entropy. Neither branch is detached.
at::Tensor trades_loss(const at::Tensor& natural, const at::Tensor& adversarial, const at::Tensor& labels,
                       double beta, double label_smoothing, const at::Tensor& class_weights = {},
                       const BatchShare& share = {});

/// CE(adversarial) - log(1.0001 - max_{k != y} q_k) + beta KL(natural ‖ adversarial)(1.0000001 - p_y), batch
/// means (Wang et al. 2020, "Improving adversarial robustness requires revisiting misclassified examples",
/// equation 11, with the constants of its code). Arguments as trades_loss.
at::Tensor mart_loss(const at::Tensor& natural, const at::Tensor& adversarial, const at::Tensor& labels,
                     double beta, double label_smoothing, const at::Tensor& class_weights = {},
                     const BatchShare& share = {});

/// A loss of two predictions, as these are.
using PairedLoss = decltype(trades_loss);

/// Mean of 1 - cos(a, b) over the examples where neither gradient (N, C, H, W) is zero; 0 where there are
/// none (Andriushchenko & Flammarion 2020, arXiv 2007.02617, equation 5).
at::Tensor misalignment(const at::Tensor& a, const at::Tensor& b);

}  // namespace selfgrad
