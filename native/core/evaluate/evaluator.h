// The driver of an evaluation: clean accuracy, then each attack on the images that still stand, with the
// budget enforced, every success confirmed in float32 and the final count taken from the stored images.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "data/dataset.h"

namespace selfgrad {

struct EvaluateOptions {
  int64_t first = 0;  ///< index of the first image
  int64_t count = 0;  ///< how many images from there on
  int64_t batch_size = 200;
  uint64_t seed = 0;
  std::vector<AttackOptions> attacks;
  /// One an attack, or none: true where it sees only what the attack before it left standing of what that
  /// saw.
  std::vector<bool> cascade;
  Target::Windows windows;       ///< for attacks that change images in small windows; may be empty
  int64_t examples = 0;          ///< adversarial images to return
  bool keep_images = false;      ///< return all of them
  at::Device device = at::kCPU;  ///< where the network is
  bool repeats = false;          ///< Classifier::repeats
};

/// Broken-by codes besides the place of an attack in the list.
inline constexpr int32_t kWrongBefore = -2;
inline constexpr int32_t kRobust = -1;

struct AttackOutcome {
  std::string name;
  int64_t robust = 0;    ///< correct under this attack, of all `count`
  int64_t attacked = 0;  ///< were correct before it (and standing, in a cascade), not of the class aimed at
  int64_t broken = 0;
  Passes passes;         ///< of the attack alone, without confirmation and recount
  Passes source_passes;  ///< transfer: of the model that gave the gradients
  double seconds = 0;
  std::vector<double> distances;  ///< fab, deepfool, cw-l2: of each image that was fooled at any size
};

struct Example {
  int64_t index = 0, label = 0, clean_prediction = 0, adversarial_prediction = 0;
  double clean_confidence = 0, adversarial_confidence = 0;
  int64_t attack = 0;
  at::Tensor image, adversarial;  ///< (C, H, W) float32 in [0, 1]
  /// (C, H, W): of the cross-entropy at `image`; undefined where the network has none or it is not finite.
  /// Its passes are not counted.
  at::Tensor gradient;
};

struct EvaluateResult {
  int64_t count = 0, clean = 0, robust = 0;
  std::vector<AttackOutcome> attacks;
  std::vector<int32_t> broken_by, predictions, labels;  ///< of image first + i; predictions: when clean
  /// Of the attack in broken_by, -1 without one: its steps to the adversarial image (AttackResult::step).
  std::vector<int32_t> steps;
  /// Of that image in the recount, NaN without one: the label's logit minus the largest other.
  std::vector<double> margins;
  Passes passes;  ///< of everything: clean, attacks, confirmations, recounts
  double seconds = 0;
  std::vector<Example> examples;
  /// With keep_images: (M, C, H, W) float32 on the CPU, of each image that an attack broke, in the images'
  /// order.
  at::Tensor adversarial;
};

/// Reports progress; called on the evaluating thread, at most once per batch.
struct EvaluateProgress {
  enum class Kind { kClean, kAttack, kAttackEnd } kind;
  int64_t attack = 0;  ///< index in options.attacks
  std::string name;
  int64_t done = 0,
          total = 0;    ///< images; kAttack: times restarts, a broken one has all of its own behind it
  int64_t correct = 0;  ///< kClean: correct; kAttackEnd: robust
  int64_t broken = 0;
};
using EvaluateObserver = std::function<void(const EvaluateProgress&)>;

/// `logits` maps (N, C, H, W) float32 in [0, 1] to (N, K); it must already be in evaluation mode.
/// The number of broken images is recounted from the stored adversarial images in batches of other sizes. One
/// that is then classified correctly by a logit margin within float noise (1e-5 of the largest logit) stays
/// broken, as the attack found it; a larger margin means that logits depend on the batch, which is an error.
/// @throws Error("ERR_NUMERIC") when logits are not finite, Error("ERR_NATIVE") when the recount differs,
/// Error("ERR_OPTION") for an unknown attack, Cancelled when `stop` is set.
EvaluateResult evaluate(const Logits& logits, const Dataset& data, const EvaluateOptions& options,
                        const std::atomic<bool>& stop, const EvaluateObserver& observer);

}  // namespace selfgrad
