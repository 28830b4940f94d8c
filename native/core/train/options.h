// What a training run is told. Names, defaults and ranges: src/config.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "data/augment.h"
#include "nn/precision.h"

namespace selfgrad {

/// One strategy; fields that a strategy does not use are ignored by it.
struct StrategyOptions {
  std::string name;             ///< standard, pgd, fgsm-rs, self-gradient
  double alpha = 2.0 / 255.0;   ///< step size in pixel units
  int64_t steps = 10;           ///< pgd
  bool random_start = true;     ///< pgd
  bool attack_in_eval = false;  ///< BatchNorm uses its running statistics while the attack looks for its step
  double initial_noise = 1.0;   ///< self-gradient: an image's first start is uniform in ± this share of eps
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
  at::Device device = at::kCPU;  ///< where the network is; data, draws and memory stay on the CPU
  Threat threat;
  StrategyOptions strategy;
  double epochs = 1.0;
  int64_t batch_size = 128;
  Precision precision = Precision::kFloat32;
  double lr = 0.1, momentum = 0.9, weight_decay = 5e-4;
  bool nesterov = true;
  ScheduleOptions schedule;
  double label_smoothing = 0.0;
  AugmentOptions augment;
  int64_t validate_every = 0;  ///< epochs; 0 = never
  int64_t validate_count = 0;
  AttackOptions validate_attack;
  std::string checkpoint_path;   ///< empty = no checkpoints
  int64_t checkpoint_every = 1;  ///< epochs; 0 = at the end and when cancelled only
  std::string resume_path;       ///< empty = start afresh
  std::vector<std::pair<std::string, std::string>> metadata;
};

}  // namespace selfgrad
