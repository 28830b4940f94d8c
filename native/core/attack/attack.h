// What every attack shares: its options, what it may ask of the network, what it returns.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "attack/losses.h"
#include "attack/threat.h"
#include "nn/precision.h"
#include "nn/window_forward.h"

namespace selfgrad {

/// Forward and backward passes, one example through the whole network each.
struct Passes {
  int64_t forward = 0;
  int64_t backward = 0;
  Passes& operator+=(const Passes& other) {
    forward += other.forward;
    backward += other.backward;
    return *this;
  }
};

/// The classes that an attack is to make the network say. Attacks with a targeted version take all of these.
enum class Aim {
  kAnyWrong,     ///< untargeted
  kClass,        ///< target_class
  kLeastLikely,  ///< of each image, by its clean logits, its label aside
  kRandom,       ///< of each image, drawn among its wrong ones
};

/// (N, C, H, W) float32 in [0, 1] -> (N, K) logits, with a graph back to images that require gradients.
using Logits = std::function<at::Tensor(const at::Tensor&)>;

/// One attack; fields that an attack does not use are ignored by it. Defaults and ranges: src/config/attacks.
struct AttackOptions {
  /// random, fgsm, pgd, mi-fgsm, cw-linf, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, deepfool, cw-l2, square,
  /// transfer
  std::string name;
  Threat threat;
  double alpha = 2.0 / 255.0;
  int64_t steps = 20;
  int64_t restarts = 1;
  bool random_start = true;
  AttackLoss loss = AttackLoss::kCrossEntropy;
  double confidence = 0.0;
  double decay = 1.0;
  int64_t eot = 1;                            ///< samples that each gradient is the mean of
  Precision precision = Precision::kFloat32;  ///< of the passes behind `Target::gradient`
  Aim target = Aim::kAnyWrong;
  int64_t target_class = 0;  ///< of kClass
  int64_t targets = 9;
  bool stop_within_eps = false;  ///< fab: who is broken leaves, without its distance
  double overshoot = 0.02;
  int64_t binary_search_steps = 9;
  double initial_c = 1e-3;
  double learning_rate = 0.01;
  int64_t queries = 5000;
  double p_init = 0.8;
  int64_t schedule = 5000;
  std::string inner = {};  ///< transfer: the attack that is run, one that asks for `Target::gradient` alone
  Logits source = {};      ///< transfer: of the model that gives its gradients
};

/// The attacked network, as attacks see it: the one place that counts passes, looks at the stop flag and
/// refuses logits that are not finite. On a GPU those of passes with a graph are looked at later, by the next
/// pass without one or by `settle`, so that the host need not wait.
/// @throws Cancelled when `stop` is set, Error("ERR_NUMERIC") for NaN or infinite logits.
class Target {
 public:
  Target(Logits logits, uint64_t seed, const std::atomic<bool>& stop)
      : logits_(std::move(logits)), seed_(seed), stop_(stop) {}

  /// (N, C, H, W) in [0, 1] -> (N, K) float32 logits, without a graph.
  at::Tensor logits(const at::Tensor& x);

  struct Gradient {
    at::Tensor logits;    ///< (N, K), detached
    at::Tensor gradient;  ///< (N, C, H, W): of the sum over examples of the loss
  };
  /// Gradient with respect to the images of `loss(logits)` (N), summed; weights get none. With more than one
  /// sample logits and gradient are means over as many passes (expectation over transformation, Athalye et
  /// al. 2018, https://arxiv.org/abs/1707.07397), for networks that draw random numbers.
  Gradient gradient(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& loss);

  /// As `logits`, with a graph back to `x`, for derivatives of another kind.
  at::Tensor differentiable_logits(const at::Tensor& x);
  /// Before such a derivative: looks at the stop flag and adds its backward passes.
  void count_backward(int64_t passes);

  /// As `logits`, of images that change in small windows; null where the network has no faster way. What it
  /// computes counts as whole passes.
  using Windows = std::function<std::unique_ptr<WindowForward>()>;
  void set_windows(Windows windows) { windows_ = std::move(windows); }
  std::unique_ptr<WindowForward> windows() const { return windows_ ? windows_() : nullptr; }
  /// Counts and checks a pass of `images` images that `logits` makes.
  at::Tensor counted(int64_t images, const std::function<at::Tensor()>& logits, bool look_later = false);

  /// Looks at the logits that were not looked at yet. @throws Error("ERR_NUMERIC")
  void settle();
  /// Whether a `gradient` is the same work each time, with no look at values in between: then a graph may
  /// hold it. Only where the network is said to be so.
  bool repeats() const { return repeats_ && !source_ && precision_ == Precision::kFloat32; }
  void set_repeats(bool repeats) { repeats_ = repeats; }
  /// Adds passes that were made again without the host.
  void count_repeated(int64_t times, const Passes& each);

  /// Another model for each `gradient`, whose logits stay the attacked one's; null: the attacked one itself.
  /// Losses are then its, so that value and gradient agree, and samples and precision are of its passes.
  void set_source(const Logits& logits);
  /// Those of the model that `set_source` gave last.
  Passes source_passes() const { return source_ ? source_->passes() : Passes{}; }

  /// Passes that each `gradient` is the mean of, at least 1.
  void set_samples(int64_t samples) { samples_ = samples; }
  /// Of each `gradient`. With bfloat16 the logits of images that are close to a tie are computed again in
  /// float32 (one forward pass more for each), so that what an attack sees as broken is broken.
  void set_precision(Precision precision) { precision_ = precision; }
  /// Where the run is, for messages: `batch 3 of attack pgd`.
  void set_place(std::string place) { place_ = std::move(place); }
  uint64_t seed() const { return seed_; }
  const Passes& passes() const { return passes_; }

 private:
  at::Tensor forward(const at::Tensor& x, bool with_graph);
  at::Tensor source_gradient(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& loss);
  at::Tensor settle_ties(const at::Tensor& x, const at::Tensor& logits);
  void check_stop() const;
  void check_finite(const at::Tensor& logits, bool later);

  Logits logits_;
  Windows windows_;
  uint64_t seed_;
  const std::atomic<bool>& stop_;
  Passes passes_;
  int64_t samples_ = 1;
  bool repeats_ = false;
  at::Tensor
      finite_;  ///< bool on the GPU: whether all logits were that are not looked at yet; may be undefined
  Precision precision_ = Precision::kFloat32;
  std::string place_ = "batch 0";
  std::unique_ptr<Target> source_;
};

/// What an attack found for a batch. Images that it could not break keep success = false.
struct AttackResult {
  at::Tensor adversarial;  ///< (N, C, H, W); where success is false, the last image tried
  at::Tensor success;  ///< (N) bool: misclassified (as the class in `aims`) within the budget, as the attack
                       ///< believes
  at::Tensor
      distance;  ///< (N) norm of what fools the network at any size, +inf: nothing; fab, deepfool, cw-l2
  /// (N) int64, where something was found: the steps from the start to `adversarial`, 0 for the start itself,
  /// over all restarts and targets before it as if none had stopped early. Square: queries; random: points.
  at::Tensor step;
  /// (N) int64: the class that `success` is about, undefined where any wrong one does.
  at::Tensor aims = {};
};

/// What `step` is before anything is found.
inline at::Tensor no_steps(const at::Tensor& images) {
  return at::zeros({images.size(0)}, images.options().dtype(at::kLong));
}

/// The restart of a round.
inline int64_t restart_of(uint32_t round) {
  return round & 0xffffU;
}

/// One attack of the literature, stateless between calls.
class Attack {
 public:
  virtual ~Attack() = default;
  /// images (N, C, H, W) in [0, 1] that are classified correctly, none of the class aimed at; labels (N)
  /// int64; indices (N) int64 CPU, the examples' places in the data set (the key of every draw); round =
  /// attack << 16 | restart.
  virtual AttackResult run(Target& target, const at::Tensor& images, const at::Tensor& labels,
                           const at::Tensor& indices, uint32_t round) const = 0;
  /// Restarts that make sense: 1 for attacks without randomness.
  virtual int64_t restarts() const = 0;
};

/// By name; throws Error("ERR_OPTION") for an unknown one.
std::unique_ptr<Attack> make_attack(const AttackOptions& options);

}  // namespace selfgrad
