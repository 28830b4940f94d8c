// The examples that stay in flight: trained on in several steps in a row, each backward giving the next step
// of their attack.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "data/augment.h"
#include "distributed/world.h"
#include "io/safetensors.h"

namespace selfgrad {

/// Examples of one age, N of them on this rank.
struct Flight {
  int64_t total = 0;                   ///< on all ranks
  at::Tensor images, labels, indices;  ///< as StepContext has them
  std::vector<Transform> transforms;
  at::Tensor x;          ///< (N, C, H, W): where their next forward looks
  at::Tensor direction;  ///< (N, C, H, W): of the last step of their attack
  at::Tensor agreement;  ///< (N): of their last gradient with the direction before it, -1 … 1
  at::Tensor logits;     ///< (N, K): of their last pass
  int64_t size() const { return images.defined() ? images.size(0) : 0; }
};

/// Flights of age 1 … ages, youngest first; empty at the beginning of a run.
class Relay {
 public:
  /// At most `capacity` examples of an age on all ranks of the world together.
  Relay(int64_t ages, int64_t capacity, const ImageShape& shape, int64_t classes, at::Device device,
        WorldPtr world = c10::make_intrusive<World>());

  /// The flights that are there, youngest first; views, valid until the next `hand_over`.
  std::vector<Flight> flights() const;
  /// Replaces all flights, youngest first; at most `ages`.
  void hand_over(const std::vector<Flight>& flights);

  /// `relay.<age>.count`, shared: of all ranks.
  NamedTensors state() const;
  /// `relay.<age>.<field>` of the others, shared: this rank's of `capacity()` rows.
  NamedTensors rows() const;
  int64_t capacity() const { return capacity_; }

 private:
  struct Slot {
    at::Tensor count, images, labels, indices, transforms, x, direction, agreement, logits;
  };
  int64_t capacity_;
  WorldPtr world_;
  std::vector<Slot> slots_;
};

}  // namespace selfgrad
