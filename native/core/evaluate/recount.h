// The second count of an attack's successes, taken from the stored images alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "attack/attack.h"
#include "evaluate/driver.h"
#include "evaluate/stored_images.h"

namespace selfgrad {

/// The images that one attack broke, in the order in which it did.
class BrokenImages {
 public:
  BrokenImages();
  void add(const BatchOutcome& outcome);
  /// (M) int64 on the CPU.
  at::Tensor indices() const;
  /// Those of the given (N) int64 places in this order: (N, C, H, W) on the CPU.
  at::Tensor adversarial(const at::Tensor& places) const { return adversarial_.select(places); }
  /// (M) int64 on the CPU: the step of the attack at which each was found.
  at::Tensor steps() const;
  /// (M) int64 on the CPU: the class that each is taken for; undefined where any wrong one will do.
  at::Tensor aims() const;
  bool empty() const { return indices_.empty(); }

 private:
  std::vector<at::Tensor> indices_, steps_, aims_;
  StoredImages adversarial_;
};

/// What the network says of adversarial images: (M) each, on the CPU.
struct Recount {
  at::Tensor predictions;  ///< int64
  at::Tensor confidences;  ///< float32, softmax probability of the prediction
  at::Tensor margins;  ///< float32, logit of the label minus the largest other; above zero by rounding only
};

/// Classifies all broken images again, in batches of another size than the attack's. @throws
/// Error("ERR_NATIVE") when one is classified correctly, or as another class than the one aimed at, by more
/// than float noise.
Recount recount(const BrokenImages& broken, const Subject& subject, const std::string& attack,
                Target& checker);

}  // namespace selfgrad
