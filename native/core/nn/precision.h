// Mixed precision: bfloat16 where ATen's autocast rules allow it, float32 weights and losses.
#pragma once

#include <c10/core/DeviceType.h>

namespace selfgrad {

enum class Precision { kFloat32, kBfloat16 };

/// Autocasts to bfloat16 on this thread for its lifetime when asked to; restores what it found. The cache of
/// cast weights lives as long as the guard: an optimiser step must fall outside it.
class PrecisionGuard {
 public:
  explicit PrecisionGuard(Precision precision, c10::DeviceType device = c10::DeviceType::CPU);
  ~PrecisionGuard();
  PrecisionGuard(const PrecisionGuard&) = delete;
  PrecisionGuard& operator=(const PrecisionGuard&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
};

}  // namespace selfgrad
