// The training loop: order, augmentation, strategy, optimiser, validation, checkpoints.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "nn/network.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/strategy.h"
#include "train/weight_average.h"

namespace selfgrad {

/// What a run tells while it goes on; see NativeTrainEvent in src/native/binding.ts.
struct TrainEvent {
  enum class Kind { kStart, kStep, kEpoch, kEval, kCheckpoint, kAlarm } kind = Kind::kStep;
  int64_t epoch = 0, step = 0, steps = 0, steps_per_epoch = 0, parameters = 0;
  double loss = 0, accuracy = 0, lr = 0, seconds = 0, images_per_second = 0;
  Passes passes;
  int64_t count = 0, clean = 0, robust = 0;  ///< kEval
  std::string path;                          ///< kCheckpoint
  Alarm alarm;                               ///< kAlarm
};
using TrainObserver = std::function<void(const TrainEvent&)>;

struct TrainResult {
  bool completed = false;  ///< false: cancelled; the checkpoint, if asked for, is written
  int64_t step = 0, steps = 0;
  Passes passes;
  int64_t weight_gradients = 0;  ///< of passes.backward, those that reached the weights too
  double seconds = 0, images_per_second = 0;
  Traffic traffic;  ///< of this rank
};

class Trainer {
 public:
  /// `validation` may be null. The data must outlive the trainer.
  /// @throws Error("ERR_OPTION" or "ERR_DATA") when network, data and options do not fit.
  Trainer(Network& network, const Dataset& data, const Dataset* validation, TrainOptions options);
  ~Trainer();

  /// Trains to the end or until `stop` is set. A step is taken whole or not at all: what a cancelled run
  /// leaves behind, in memory and in the checkpoint, is the state before the step that was interrupted. With
  /// averaging a completed run leaves the averaged weights in the network. Ranks stop together, before the
  /// next step, when one is asked to; what they leave and tell is the same on all.
  /// @throws Error("ERR_NUMERIC") when the loss is not finite; errors of checkpoints.
  TrainResult run(const std::atomic<bool>& stop, const TrainObserver& observer);

 private:
  void take_step(const std::atomic<bool>& stop);
  at::Tensor images_of_step(int64_t step);
  void fetch_next();
  BatchShare share_of(const at::Tensor& labels);
  bool any_rank(bool mine);
  void end_epoch(const std::atomic<bool>& stop, const TrainObserver& observer);
  void validate(const std::atomic<bool>& stop, const TrainObserver& observer);
  void checkpoint(const TrainObserver& observer);
  int64_t epoch() const { return position_.step / steps_per_epoch_; }
  TrainEvent event(TrainEvent::Kind kind) const;

  World& world() const { return *options_.world; }

  Network& network_;
  const Dataset& data_;
  at::Tensor pixels_;  // all images of the data set, on the device where they fit
  const Dataset* validation_;
  TrainOptions options_;
  Sgd optimizer_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<WeightAverage> average_;  // null: none
  int64_t images_per_step_, steps_per_epoch_, steps_;
  bool saves_ = false;  // is there a path for checkpoints?
  TrainPosition position_;
  int64_t order_epoch_ = -1;
  at::Tensor order_;  // of the epoch under way
  double last_loss_ = 0, last_lr_ = 0;
  int64_t images_done_ = 0;  // since this process started the run
  double run_seconds_ = 0;
};

}  // namespace selfgrad
