// Square attack: random search with logits alone (Andriushchenko et al. 2020, "Square Attack: a
// query-efficient black-box adversarial attack via random search", https://arxiv.org/abs/1912.00049).
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// Starts at square_start, then tries square_proposal after another and keeps what raises the margin, or what
/// is misclassified. An image leaves with its first misclassified point; the start is the first of `queries`
/// forward passes, and there is no backward pass. An image that was not broken comes back at its point of
/// the highest margin. Reads threat, queries, p_init, restarts.
class Square final : public Attack {
 public:
  explicit Square(const AttackOptions& options) : options_(options) {}
  AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                   const at::Tensor& indices, uint32_t round) const override;
  int64_t restarts() const override { return options_.restarts; }

 private:
  AttackOptions options_;
};

}  // namespace selfgrad
