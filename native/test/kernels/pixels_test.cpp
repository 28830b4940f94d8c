// The kernels of pixels, for every vector extension that this processor has, against their bodies on single
// floats.
#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/cpu/table.h"
#include "kernels/normalize.h"
#include "kernels/projected_step.h"

namespace selfgrad::kernels {
namespace {

std::vector<float> wave(int64_t count, double low, double high, double speed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    values[i] =
        static_cast<float>(low + (high - low) * (0.5 + 0.5 * std::sin(speed * static_cast<double>(i))));
  return values;
}

TEST(ProjectedStepKernel, IsItsBodyOnEveryVectorExtension) {
  for (const CpuKernels* table : runnable_cpu_kernels())
    for (const int64_t count : {0, 1, 7, 16, 33, 100}) {
      const auto x = wave(count, 0, 1, 0.7), origin = wave(count, 0, 1, 0.71);
      auto gradient = wave(count, -1, 1, 1.9);
      for (int64_t i = 0; i < count; i += 5)
        gradient[i] = 0;
      std::vector<float> next(count + 1, -77.0F);
      table->projected_step(next.data(), x.data(), origin.data(), gradient.data(), count, 0.02F, 0.06F);
      for (int64_t i = 0; i < count; ++i) {
        EXPECT_EQ(next[i], projected_step(x[i], origin[i], gradient[i], 0.02F, 0.06F)) << table->capability;
        // Nine tenths of the points start outside the ball: all end in it.
        EXPECT_LE(std::abs(next[i] - origin[i]), 0.06F + 1e-7F);
      }
      EXPECT_EQ(next[count], -77.0F);
    }
}

TEST(NormalizeKernel, IsItsBodyOnEveryVectorExtension) {
  for (const CpuKernels* table : runnable_cpu_kernels()) {
    const int64_t period = 3 * table->width;
    const auto mean = wave(period, 0.3, 0.6, 0.4), std = wave(period, 0.2, 0.3, 0.9);
    for (const int64_t count : {period - 5, period, 2 * period + 1}) {
      const auto x = wave(count, 0, 1, 0.7);
      std::vector<float> y(count), gx(count);
      std::vector<c10::BFloat16> half(count);
      table->normalize<float>().forward(y.data(), x.data(), {0, count, period}, mean.data(), std.data());
      table->normalize<c10::BFloat16>().forward(half.data(), x.data(), {0, count, period}, mean.data(),
                                                std.data());
      table->normalize<float>().backward(gx.data(), x.data(), {0, count, period}, std.data());
      for (int64_t i = 0; i < count; ++i) {
        const float expected = normalized(x[i], mean[i % period], std[i % period]);
        EXPECT_EQ(y[i], expected) << table->capability;
        EXPECT_EQ(static_cast<float>(half[i]), static_cast<float>(c10::BFloat16(expected)));
        EXPECT_EQ(gx[i], normalized_gradient(x[i], std[i % period]));
      }
    }
  }
}

}  // namespace
}  // namespace selfgrad::kernels
