// The few operations that kernel bodies are written in, for one number (any processor) and, in sources that
// are compiled for a vector extension, for a vector of them: a body is a template over V and exists once.
#pragma once

#include <cmath>

#if defined(__CUDACC__)
#define SELFGRAD_BODY __host__ __device__ inline
#elif defined(_MSC_VER)
#define SELFGRAD_BODY __forceinline
#else
// Never a function of its own: the linker would keep one copy for all vector extensions.
#define SELFGRAD_BODY inline __attribute__((always_inline))
#endif

#if defined(SELFGRAD_VECTORIZED)
#include <ATen/cpu/vec/vec.h>
#endif

namespace selfgrad::kernels {

SELFGRAD_BODY float multiply_add(float a, float b, float c) {
  return std::fma(a, b, c);
}
SELFGRAD_BODY float exponential(float x) {
  return std::exp(x);
}
/// 1 where x > 0, else 0.
SELFGRAD_BODY float positive(float x) {
  return x > 0.0F ? 1.0F : 0.0F;
}
/// max(x, 0); NaN stays.
SELFGRAD_BODY float clamped_below(float x) {
  return x < 0.0F ? 0.0F : x;
}
/// x in [low, high]; NaN stays.
SELFGRAD_BODY float clamped(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

#if defined(SELFGRAD_VECTORIZED)
using Floats = at::vec::Vectorized<float>;

inline Floats multiply_add(const Floats& a, const Floats& b, const Floats& c) {
  return at::vec::fmadd(a, b, c);
}
/// To 20 units in the last place.
inline Floats exponential(const Floats& x) {
  return x.exp_u20();
}
inline Floats positive(const Floats& x) {
  return x.gt(Floats(0.0F));
}
inline Floats clamped_below(const Floats& x) {
  return at::vec::clamp_min(x, Floats(0.0F));
}
inline Floats clamped(const Floats& x, const Floats& low, const Floats& high) {
  return at::vec::clamp(x, low, high);
}
#endif

}  // namespace selfgrad::kernels
