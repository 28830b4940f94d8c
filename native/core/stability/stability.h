// Stability analysis of a network: how its loss behaves around each image, and what can be proved there.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "data/dataset.h"
#include "nn/classifier.h"
#include "stability/batch.h"
#include "stability/certify/certificate.h"
#include "stability/diagnostics.h"

namespace selfgrad {

struct StabilityOptions {
  int64_t count = 0;  ///< the first `count` images of the set
  int64_t batch_size = 100;
  uint64_t seed = 0;
  Threat threat;
  int64_t steps = 10;        ///< of PGD from each image
  double alpha = 2.0 / 255;  ///< its step size
  int64_t iterations = 20;   ///< of the power iteration
  int64_t random_points = 4;
  std::vector<double> multiples;  ///< of the loss profile
  CertifyOptions certify;
  at::Device device = at::kCPU;  ///< where the network is
};

struct StabilityResult {
  int64_t count = 0;
  /// The columns of every diagnostic, (count); certified (0 or 1), certified_margin and certified_radius
  /// (certify.count).
  Columns images;
  std::vector<LossProfile> profiles;  ///< means over all images
  Passes passes;                      ///< without the bounds, which are no passes
  double seconds = 0;
};

/// Called on the analysing thread after each batch.
struct StabilityProgress {
  bool certifying = false;
  int64_t done = 0, total = 0;  ///< images
};
using StabilityObserver = std::function<void(const StabilityProgress&)>;

/// The classifier must be in evaluation mode; it is analysed in float32 (bounds in float64). What is said of
/// an image does not depend on its batch. @throws Error("ERR_OPTION") for bounds where layers are not known,
/// Error("ERR_NUMERIC") for logits that are not finite, Error("ERR_NATIVE") when an attack breaks an image
/// that was certified, Cancelled when `stop` is set.
StabilityResult stability(Classifier& classifier, const Dataset& data, const StabilityOptions& options,
                          const std::atomic<bool>& stop, const StabilityObserver& observer);

}  // namespace selfgrad
