// Attacking a handful of given images, for those who want the adversarial images themselves.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <vector>

#include "attack/attack.h"

namespace selfgrad {

struct AttackedImages {
  at::Tensor adversarial;  ///< (N, C, H, W); the clean image where none was found or it was wrong already
  at::Tensor success;      ///< (N) bool: `adversarial` is misclassified
  at::Tensor predictions;  ///< (N) int64, of `adversarial`
  Passes passes;
  Passes source_passes;  ///< transfer: of the models that gave the gradients
};

/// images (N, C, H, W) float32 in [0, 1] and labels (N) int64, both on the network's device. Draws are keyed
/// by the position in `images`. Each attack sees what those before it left standing. @throws as Target,
/// Error("ERR_OPTION") for an unknown attack.
AttackedImages attack_images(const Logits& logits, const at::Tensor& images, const at::Tensor& labels,
                             const std::vector<AttackOptions>& attacks, uint64_t seed, int64_t batch_size,
                             const std::atomic<bool>& stop);

}  // namespace selfgrad
