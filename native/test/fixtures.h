// What tests of several parts share: small data sets, errors as text, and the bounds of a perturbation.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "attack/threat.h"
#include "data/dataset.h"
#include "error.h"

namespace selfgrad::test {

/// Code and sentence of the Error that `body` throws.
template <typename Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code() + " " + error.what();
  }
  return "nothing thrown";
}

/// `x` lies within the budget around `images` (N, C, H, W), up to rounding, and within [0, 1].
inline void expect_within(const Threat& threat, const at::Tensor& images, const at::Tensor& x) {
  EXPECT_LE(perturbation_norm(threat.norm, x - images).max().item<double>(), threat.eps + 1e-6);
  EXPECT_GE(x.min().item<double>(), 0);
  EXPECT_LE(x.max().item<double>(), 1);
}

/// `count` images whose class shows in their brightness by quadrant, with a deterministic pattern on top:
/// a network learns it in seconds.
inline Dataset pattern_dataset(int64_t count, const ImageShape& shape, int64_t classes) {
  Dataset data(count, shape, classes);
  std::vector<uint8_t> pixels(shape.size());
  for (int64_t n = 0; n < count; ++n) {
    const auto label = static_cast<int32_t>(n % classes);
    for (int64_t i = 0; i < shape.size(); ++i) {
      const int64_t x = i % shape.width;
      const bool lit = (x * classes) / shape.width == label;
      pixels[i] = static_cast<uint8_t>((lit ? 160 : 40) + (i * 31 + n * 17) % 60);
    }
    data.append(pixels.data(), &label, 1);
  }
  return data;
}

}  // namespace selfgrad::test
