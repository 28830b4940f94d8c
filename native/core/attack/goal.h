// What an attack wants the network to say, and how far it is from that.
#pragma once

#include "attack/attack.h"
#include "attack/losses.h"

namespace selfgrad {

/// Any class but the label (untargeted), or one class of each image's own (targeted).
struct Goal {
  at::Tensor classes;  ///< (N) int64: labels, or what is to be said
  bool targeted = false;

  /// (N) bool: where (N, K) logits are what is wanted.
  at::Tensor reached(const at::Tensor& logits) const;
  /// (N): above zero where it is reached. Untargeted `margin`; targeted its negative, the target's logit
  /// minus the largest other.
  at::Tensor lead(const at::Tensor& logits) const;
  /// (N), to be raised: of kCrossEntropy -log softmax of the label, targeted +log softmax of the target; of
  /// kMargin the lead, cut at `confidence`.
  at::Tensor loss(AttackLoss kind, const at::Tensor& logits, double confidence) const;
};

/// Of labels (N), or of aims (N) where those are defined.
Goal goal_of(const at::Tensor& labels, const at::Tensor& aims);

/// The classes (N) int64 that the attack is to make the network say instead of `labels`; undefined where any
/// wrong one does. kLeastLikely and kRandom make a forward pass of each image; kRandom draws by image index
/// alone, so that every attack and restart of a run aims at the same.
at::Tensor aims_of(const AttackOptions& options, Target& target, const at::Tensor& images,
                   const at::Tensor& labels, const at::Tensor& indices);

}  // namespace selfgrad
