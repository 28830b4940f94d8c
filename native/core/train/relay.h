// The examples that stay in flight: trained on in several steps in a row, each backward giving the next step
// of their attack.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "data/augment.h"
#include "io/safetensors.h"

namespace selfgrad {

/// Examples of one age, N of them.
struct Flight {
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
  /// At most `capacity` examples of an age.
  Relay(int64_t ages, int64_t capacity, const ImageShape& shape, int64_t classes, at::Device device);

  /// The flights that are there, youngest first; views, valid until the next `hand_over`.
  std::vector<Flight> flights() const;
  /// Replaces all flights, youngest first; at most `ages`.
  void hand_over(const std::vector<Flight>& flights);

  /// `relay.<age>.<field>`, shared.
  NamedTensors state() const;

 private:
  struct Slot {
    at::Tensor count, images, labels, indices, transforms, x, direction, agreement, logits;
  };
  std::vector<Slot> slots_;
};

}  // namespace selfgrad
