// The direct convolution against the sum that defines it, on every vector extension that this processor has.
#include "kernels/convolution.h"

#include <ATen/ops/arange.h>
#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "attack/networks.h"
#include "kernels/cpu/table.h"

namespace selfgrad {
namespace {

struct Sizes {
  int64_t taps, columns, step, group_inputs, lines, pixels, channels;
  bool add, biased;
};

std::vector<float> random_floats(uint64_t seed, int64_t count) {
  const at::Tensor drawn = testing::random_tensor(seed, {1, count}, -1, 1);
  const auto* first = drawn.const_data_ptr<float>();
  return {first, first + count};
}

template <class T>
double error_of(const kernels::ImageKernels& kernels, const Sizes& s) {
  const int64_t inputs = s.group_inputs, lane = kernels.lane;
  const int64_t run = s.columns * inputs, even = sizeof(T) == sizeof(float) ? run : (run + 1) / 2 * 2;
  const int64_t in_line = (s.pixels * s.step + s.columns) * inputs;
  const int64_t blocks = (s.channels + lane - 1) / lane;
  const auto rounded = [](std::vector<float> values) {
    for (float& value : values)
      value = static_cast<float>(static_cast<T>(value));
    return values;
  };
  // One number behind the last: an odd run may read it.
  const std::vector<float> image = rounded(random_floats(1, (s.lines + s.taps) * in_line + 1));
  const std::vector<float> weight = rounded(random_floats(2, s.channels * s.taps * run));
  const std::vector<float> bias = random_floats(3, blocks * lane);
  const int64_t out_pixel = s.channels + 3, out_line = s.pixels * out_pixel + 5;
  const std::vector<float> before = random_floats(4, s.lines * out_line);
  std::vector<T> storage(image.begin(), image.end());
  std::vector<T> packed(static_cast<size_t>(blocks * s.taps * even * lane));
  for (int64_t c = 0; c < s.channels; ++c)
    for (int64_t t = 0; t < s.taps; ++t)
      for (int64_t k = 0; k < run; ++k) {
        const int64_t block = (c / lane * s.taps + t) * even * lane;
        const int64_t place =
            sizeof(T) == sizeof(float) ? k * lane + c % lane : (k / 2 * lane + c % lane) * 2 + k % 2;
        packed[block + place] = static_cast<T>(weight[(c * s.taps + t) * run + k]);
      }
  std::vector<const T*> in;
  for (int64_t t = 0; t < s.taps; ++t)
    in.push_back(storage.data() + t * in_line);
  std::vector<float> out = before;
  kernels.convolution<T>()({.out = out.data(),
                            .out_line = out_line,
                            .out_pixel = out_pixel,
                            .in = in.data(),
                            .taps = s.taps,
                            .run = even,
                            .columns = s.columns,
                            .in_line = in_line,
                            .in_pixel = s.step * inputs,
                            .lines = s.lines,
                            .pixels = s.pixels,
                            .channels = s.channels,
                            .weight = packed.data(),
                            .bias = s.biased ? bias.data() : nullptr,
                            .add = s.add});
  double error = 0;
  std::vector<float> expected = before;  // what lies between the pixels is not touched
  for (int64_t l = 0; l < s.lines; ++l)
    for (int64_t p = 0; p < s.pixels; ++p)
      for (int64_t c = 0; c < s.channels; ++c) {
        const int64_t place = l * out_line + p * out_pixel + c;
        double sum = (s.biased ? bias[c] : 0) + (s.add ? before[place] : 0);
        for (int64_t t = 0; t < s.taps; ++t)
          for (int64_t k = 0; k < run; ++k)
            sum += static_cast<double>(image[(t + l) * in_line + p * s.step * inputs + k]) *
                   weight[(c * s.taps + t) * run + k];
        expected[place] = static_cast<float>(sum);
      }
  for (size_t i = 0; i < out.size(); ++i)
    error = std::max(error, static_cast<double>(std::abs(out[i] - expected[i])));
  return error / std::sqrt(static_cast<double>(s.taps * run));
}

TEST(ConvolutionKernel, IsTheSumThatDefinesItForEverySizeOnEveryVectorExtension) {
  double worst = 0;
  for (const auto* table : kernels::runnable_cpu_kernels()) {
    for (const int64_t channels : {1, 3, 8, 15, 16, 17, 24, 32, 33, 48, 70}) {
      for (const int64_t pixels : {1, 2, 3, 7, 8, 13, 16, 19, 32}) {
        for (const Sizes& s : {Sizes{3, 3, 1, 16, 2, pixels, channels, false, true},
                               Sizes{3, 3, 1, 16, 1, pixels, channels, true, false},
                               Sizes{3, 3, 2, 16, 1, pixels, channels, true, true},
                               Sizes{1, 1, 2, 4, 3, pixels, channels, false, false},
                               Sizes{2, 2, 1, 5, 2, pixels, channels, false, true},
                               Sizes{4, 4, 2, 1, 1, pixels, channels, false, true}}) {
          worst = std::max(worst, error_of<float>(table->image, s));
          if (table->image.convolution_bfloat16 != nullptr)
            worst = std::max(worst, error_of<c10::BFloat16>(table->image, s));
        }
      }
    }
  }
  // Products of bfloat16 are exact in float32, so one bound serves both.
  constexpr double kAllowed = 2e-6;
  std::printf("convolution: %.0f %% of the allowed error\n", 100 * worst / kAllowed);
  EXPECT_LT(worst, kAllowed);
}

}  // namespace
}  // namespace selfgrad
