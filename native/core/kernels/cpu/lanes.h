// The loop over elements in channels-last order that every kernel of channels runs in, two vectors of float32
// at a time, whatever the storage type. To be included by sources that are compiled for a vector extension.
#pragma once

#include <ATen/cpu/vec/vec.h>

#include <array>

#include "kernels/arithmetic.h"
#include "kernels/cpu/table.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {

constexpr int64_t kLane = Floats::size();
/// Elements that the loop takes at once: a vector of bfloat16.
constexpr int64_t kWidth = 2 * kLane;

inline std::array<Floats, 2> load(const float* at) {
  return {Floats::loadu(at), Floats::loadu(at + kLane)};
}
inline std::array<Floats, 2> load(const c10::BFloat16* at) {
  const auto [low, high] = at::vec::convert_bfloat16_float(at::vec::Vectorized<c10::BFloat16>::loadu(at));
  return {low, high};
}
inline void store(const std::array<Floats, 2>& x, float* at) {
  x[0].store(at);
  x[1].store(at + kLane);
}
inline void store(const std::array<Floats, 2>& x, c10::BFloat16* at) {
  at::vec::convert_float_bfloat16(x[0], x[1]).store(at);
}

/// What a loop reads and writes: elements of storage type In at `inputs`, tables of float32 per channel, sums
/// per channel, elements of storage type Out at `output`, which may be null.
template <class Out, class In, size_t Inputs, size_t Tables, size_t Sums>
struct Channels {
  Out* output;
  std::array<const In*, Inputs> inputs;
  std::array<const float*, Tables> tables;
  std::array<float*, Sums> sums;
};

/// The columns [place, place + Group kWidth) of every whole row of the span. Tables and sums stay in
/// registers.
template <int Group, class Out, class In, size_t Inputs, size_t Tables, size_t Sums, class Body>
void run_columns(const Channels<Out, In, Inputs, Tables, Sums>& c, Span span, int64_t place,
                 const Body& body) {
  constexpr int kVectors = 2 * Group;
  std::array<std::array<Floats, Tables>, kVectors> tables;
  std::array<std::array<Floats, Sums>, kVectors> sums;
  for (int v = 0; v < kVectors; ++v) {
    for (size_t j = 0; j < Tables; ++j)
      tables[v][j] = Floats::loadu(c.tables[j] + place + v * kLane);
    for (size_t j = 0; j < Sums; ++j)
      sums[v][j] = Floats::loadu(c.sums[j] + place + v * kLane);
  }
  for (int64_t row = span.begin; row + span.period <= span.end; row += span.period) {
#pragma GCC unroll 2
    for (int g = 0; g < Group; ++g) {
      const int64_t at = row + place + g * kWidth;
      std::array<std::array<Floats, Inputs>, 2> x;
      for (size_t i = 0; i < Inputs; ++i) {
        const auto both = load(c.inputs[i] + at);
        x[0][i] = both[0];
        x[1][i] = both[1];
      }
      const std::array<Floats, 2> y{body(x[0], tables[2 * g], sums[2 * g]),
                                    body(x[1], tables[2 * g + 1], sums[2 * g + 1])};
      if (c.output != nullptr) store(y, c.output + at);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    for (size_t j = 0; j < Sums; ++j)
      sums[v][j].store(c.sums[j] + place + v * kLane);
}

/// `body(inputs, tables, sums)` for every element of the span, on vectors and, behind the last whole row, on
/// single floats; it adds to its sums and returns the output.
template <class Out, class In, size_t Inputs, size_t Tables, size_t Sums, class Body>
void run_channels(const Channels<Out, In, Inputs, Tables, Sums>& c, Span span, const Body& body) {
  int64_t place = 0;
  for (; place + 2 * kWidth <= span.period; place += 2 * kWidth)
    run_columns<2>(c, span, place, body);
  if (place < span.period) run_columns<1>(c, span, place, body);
  const int64_t rest = span.begin + (span.end - span.begin) / span.period * span.period;
  for (int64_t at = rest; at < span.end; ++at) {
    std::array<float, Inputs> x;
    for (size_t i = 0; i < Inputs; ++i)
      x[i] = static_cast<float>(c.inputs[i][at]);
    std::array<float, Tables> tables;
    for (size_t j = 0; j < Tables; ++j)
      tables[j] = c.tables[j][at - rest];
    std::array<float, Sums> sums;
    for (size_t j = 0; j < Sums; ++j)
      sums[j] = c.sums[j][at - rest];
    const float y = body(x, tables, sums);
    if (c.output != nullptr) c.output[at] = static_cast<Out>(y);
    for (size_t j = 0; j < Sums; ++j)
      c.sums[j][at - rest] = sums[j];
  }
}

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
