// What a training run is told. Names, defaults and ranges: src/config.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "data/augment.h"
#include "distributed/world.h"
#include "nn/precision.h"

namespace selfgrad {

/// A place where the network's features are perturbed in training, and how far.
struct FeatureTap {
  std::string place;  ///< stem, stage1, …
  double rho = 0;     ///< length as a share of the activation's own L2 norm
};

/// One strategy; fields that a strategy does not use are ignored by it.
struct StrategyOptions {
  std::string name;             ///< src/config/strategies has them all
  double alpha = 2.0 / 255.0;   ///< step size in pixel units
  int64_t steps = 10;           ///< attack passes before the training pass
  bool random_start = true;     ///< pgd
  bool attack_in_eval = false;  ///< BatchNorm uses its running statistics while the attack looks for its step
  double beta = 6.0;            ///< trades, mart: weight of the divergence
  double lambda = 0.2;          ///< gradalign: weight of the misalignment
  int64_t replays = 4;          ///< free: steps in a row on the same images
  int64_t reset_every = 10;     ///< atta: epochs between fresh starts, 0 = one start at the beginning
  double noise = 0.0;           ///< n-fgsm, and self-gradient for a remembered start: share of eps
  // self-gradient
  enum class Memory { kNone, kExample, kClass, kUniversal } memory = Memory::kExample;
  int64_t relay = 1;           ///< training steps that an example stays in flight, 1 = no relay
  double fresh_weight = 1.0;   ///< of the loss of examples in their first step of several
  double initial_noise = 1.0;  ///< an image's first start is uniform in ± this share of eps
  double momentum = 0.0;       ///< of the tapped gradients over the passes of one flight
  double consistency = 0.0;    ///< weight of the squared distance to the logits of the pass before
  double refresh = 0.0;        ///< share of the carried examples that get a pass of attack, stalest first
  bool adaptive_step = false;  ///< alpha follows the agreement of successive gradients
  bool alarm = false;          ///< watch for catastrophic overfitting and step in
  std::vector<FeatureTap> features;
};

struct ScheduleOptions {
  enum class Kind { kOneCycle, kStep, kConstant } kind = Kind::kOneCycle;
  double warmup = 0.3;             ///< one-cycle: share of the run in which the rate rises from 0
  double final_fraction = 0.0;     ///< one-cycle: share of the peak at the end
  std::vector<double> milestones;  ///< step: shares of the run at which the rate is multiplied
  double factor = 0.1;             ///< step
};

struct TrainOptions {
  uint64_t seed = 0;
  at::Device device = at::kCPU;  ///< where the network is
  Threat threat;
  StrategyOptions strategy;
  double epochs = 1.0;
  int64_t batch_size = 128;
  Precision precision = Precision::kFloat32;
  double lr = 0.1, momentum = 0.9, weight_decay = 5e-4;
  bool nesterov = true;
  ScheduleOptions schedule;
  double label_smoothing = 0.0;
  at::Tensor class_weights;          ///< (K) float32, of the cross-entropy; undefined = all alike
  double weight_perturbation = 0.0;  ///< gamma of adversarial weight perturbation; 0 = none
  double average_decay = 0.0;        ///< of the averaged weights that the run ends with; 0 = none
  AugmentOptions augment;
  int64_t validate_every = 0;  ///< epochs; 0 = never
  int64_t validate_count = 0;
  AttackOptions validate_attack;
  bool map_memory = false;       ///< what is remembered of each image lies in a file
  std::string checkpoint_path;   ///< empty = no checkpoints
  int64_t checkpoint_every = 1;  ///< epochs; 0 = at the end and when cancelled only
  std::string resume_path;       ///< empty = start afresh
  std::vector<std::pair<std::string, std::string>> metadata;
  /// The processes that train together; each has the whole of the data and of these options. Paths count on
  /// rank 0, which alone reads and writes files.
  WorldPtr world = c10::make_intrusive<World>();
};

}  // namespace selfgrad
