// Runs one attack with its restarts over many images and trusts it in nothing: the budget is enforced here,
// and a success counts only when a forward pass of its own confirms it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "attack/attack.h"

namespace selfgrad {

/// The images to attack, wherever they are kept.
struct Subject {
  /// (N) int64 indices on the CPU -> (N, C, H, W) float32 in [0, 1] on `device`.
  std::function<at::Tensor(const at::Tensor&)> images;
  at::Tensor labels;  ///< (count) int64 on the CPU, of the indices first ... first + count - 1
  int64_t first = 0;
  at::Device device = at::kCPU;
  int64_t batch_size = 200;

  /// Labels of the given indices, on `device`.
  at::Tensor labels_of(const at::Tensor& indices) const;
};

/// What one batch of one restart came to; everything but `adversarial` is on the CPU.
struct BatchOutcome {
  at::Tensor indices;      ///< (N) int64
  at::Tensor adversarial;  ///< (N, C, H, W) within the budget; the clean image where not broken
  at::Tensor broken;       ///< (N) bool: confirmed
  at::Tensor step;         ///< (N) int64, where broken: AttackResult::step
  at::Tensor aims;         ///< (N) int64: AttackResult::aims
  at::Tensor
      distance;  ///< (N) norm confirmed at any size, +inf: none; undefined unless fab, deepfool or cw-l2
};

/// Of `standing` (M) int64 those that the attack can break: not the images of the class that it aims at.
at::Tensor attackable(const AttackOptions& options, const Subject& subject, const at::Tensor& standing);

/// Attacks what is `attackable` of `standing` (M) int64: in each restart the images that earlier ones left,
/// in batches. `attack` is the attack's place in its list (part of every draw's key). `attacker` and
/// `checker` count the passes of the attack and of the confirmation. @throws as Target.
void run_attack(const AttackOptions& options, int64_t attack, const Subject& subject, at::Tensor standing,
                Target& attacker, Target& checker,
                const std::function<void(const BatchOutcome&, int64_t restart)>& observe);

/// Rows of the first dimension in batches of at most `size`, in order; `visit(rows, batch number)`.
void for_each_batch(const at::Tensor& rows, int64_t size,
                    const std::function<void(const at::Tensor&, int64_t)>& visit);

}  // namespace selfgrad
