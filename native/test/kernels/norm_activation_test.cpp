// The CPU's loops, for every vector extension that this processor has, against the formulas in float64.
#include "kernels/norm_activation.h"

#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cpu/table.h"

namespace selfgrad::kernels {
namespace {

double act(Act kind, double z) {
  return kind == Act::kRelu ? std::max(z, 0.0) : z / (1 + std::exp(-z));
}

double slope(Act kind, double z) {
  if (kind == Act::kRelu) return z > 0 ? 1 : 0;
  const double s = 1 / (1 + std::exp(-z));
  return s * (1 + z * (1 - s));
}

/// Values in [-scale, scale] that no period repeats.
template <class T>
std::vector<T> wave(int64_t count, double scale, double speed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    values[i] =
        static_cast<T>(static_cast<float>(scale * std::sin(speed * static_cast<double>(i * i % 1009))));
  return values;
}

template <class T>
class NormActivationKernel : public ::testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(T) == 4 ? 4e-6 : 5e-3;
  static void near(double found, double expected, double size, const std::string& what) {
    EXPECT_NEAR(found, expected, kTolerance * size) << what;
  }
};
using Storages = ::testing::Types<float, c10::BFloat16>;
TYPED_TEST_SUITE(NormActivationKernel, Storages);

TYPED_TEST(NormActivationKernel, FollowsTheFormulasOnEveryVectorExtension) {
  using T = TypeParam;
  for (const CpuKernels* table : runnable_cpu_kernels()) {
    const auto& kernels = table->norm_activation<T>();
    // One, two and three vectors wide; whole rows, rows and a rest, less than a row.
    for (const int64_t vectors : {1, 2, 3})
      for (const int64_t rest : {int64_t{0}, int64_t{1}, table->width + 3})
        for (const int64_t rows : {0, 1, 5})
          for (const Act kind : {Act::kRelu, Act::kSilu}) {
            const int64_t period = vectors * table->width;
            if (rest >= period) continue;
            const int64_t begin = period, end = begin + rows * period + rest;
            const std::string what = std::string(table->capability) + " period " + std::to_string(period) +
                                     " elements " + std::to_string(end - begin);
            const Span span{begin, end, period};
            const auto x = wave<T>(end, 4, 0.37), gy = wave<T>(end, 1, 0.73);
            const auto scale = wave<float>(period, 1.5, 0.11), shift = wave<float>(period, 0.5, 0.29);
            const auto mean = wave<float>(period, 0.4, 0.53), offset = wave<float>(period, 0.2, 0.91);
            const T untouched(-77.0F);
            std::vector<T> y(end, untouched), gz(end, untouched), gx(end, untouched),
                constant(end, untouched);
            std::vector<float> sum(period, 1), squares(period, 2), total(period, 3), product(period, 4);
            kernels.moments(x.data(), span, mean.data(), sum.data(), squares.data());
            kernels.forward(kind, y.data(), x.data(), span, scale.data(), shift.data());
            kernels.backward(kind, gz.data(), gy.data(), x.data(), span, scale.data(), shift.data(),
                             mean.data(), total.data(), product.data());
            kernels.gradient(gx.data(), gy.data(), x.data(), span, scale.data(), shift.data(), offset.data());
            kernels.backward_constant(kind, constant.data(), gy.data(), x.data(), span, scale.data(),
                                      shift.data());
            std::vector<double> sums[4] = {std::vector<double>(period, 1), std::vector<double>(period, 2),
                                           std::vector<double>(period, 3), std::vector<double>(period, 4)};
            for (int64_t i = 0; i < begin; ++i)
              for (const auto* out : {&y, &gz, &gx, &constant})
                ASSERT_EQ(static_cast<float>((*out)[i]), -77.0F) << what;
            for (int64_t i = begin; i < end; ++i) {
              const int64_t c = (i - begin) % period;
              const double in = static_cast<float>(x[i]), g = static_cast<float>(gy[i]);
              const double z = static_cast<double>(scale[c]) * in + shift[c];
              this->near(static_cast<float>(y[i]), act(kind, z), 7, what);
              this->near(static_cast<float>(gz[i]), g * slope(kind, z), 1.2, what);
              this->near(static_cast<float>(constant[i]), scale[c] * g * slope(kind, z), 2, what);
              this->near(static_cast<float>(gx[i]), scale[c] * g + shift[c] * in + offset[c], 4, what);
              sums[0][c] += in - mean[c];
              sums[1][c] += (in - mean[c]) * (in - mean[c]);
              sums[2][c] += g * slope(kind, z);
              sums[3][c] += g * slope(kind, z) * (in - mean[c]);
            }
            for (int64_t c = 0; c < period; ++c) {
              // Sums are of float32 terms, whatever is stored.
              EXPECT_NEAR(sum[c], sums[0][c], 2e-4) << what;
              EXPECT_NEAR(squares[c], sums[1][c], 1e-3) << what;
              EXPECT_NEAR(total[c], sums[2][c], 2e-4) << what;
              EXPECT_NEAR(product[c], sums[3][c], 5e-4) << what;
            }
          }
  }
}

TEST(CpuKernels, KnowTheirExtension) {
  const auto tables = runnable_cpu_kernels();
  EXPECT_STREQ(tables.front()->capability, "DEFAULT");
  EXPECT_EQ(&cpu_kernels(), tables.back());
}

}  // namespace
}  // namespace selfgrad::kernels
