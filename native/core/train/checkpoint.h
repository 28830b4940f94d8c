// Everything that a run needs to go on as if it had never stopped, in one safetensors file.
#pragma once

#include <string>

#include "io/safetensors.h"
#include "nn/network.h"
#include "train/optimizer.h"
#include "train/strategy.h"
#include "train/weight_average.h"

namespace selfgrad {

/// Where a run stands between two steps. Random numbers are counter-based: the position is their state.
struct TrainPosition {
  int64_t step = 0;
  Passes passes;
  int64_t weight_gradients = 0;  ///< of passes.backward, those that reached the weights too
  double seconds = 0;
  double epoch_loss = 0;      ///< sum over the epoch's examples so far
  int64_t epoch_correct = 0;  ///< of the epoch's training images so far
  int64_t epoch_seen = 0;
};

/// Writes network, optimiser, strategy, averaged weights (null for none) and position: on rank 0, with the
/// rows of all ranks, so that the file does not depend on how many there are. The file that it replaces stays
/// beside it as `NAME.previous.EXTENSION`, or goes when nothing more is to come.
/// @throws as write_safetensors.
void save_checkpoint(const std::string& path, const Network& network, const Sgd& optimizer,
                     const Strategy& strategy, const WeightAverage* average, const TrainPosition& position,
                     const TrainOptions& options, bool keep_previous);

/// Restores on every rank what save_checkpoint wrote; rank 0 alone reads it. The run's metadata must be
/// equal, key by key.
/// @throws Error("ERR_CHECKPOINT") when the file is not a checkpoint of this very run, or damaged; then with
/// the name of the one before it, where that is.
TrainPosition load_checkpoint(const std::string& path, Network& network, Sgd& optimizer, Strategy& strategy,
                              WeightAverage* average, const TrainOptions& options);

}  // namespace selfgrad
