// The CPU's loop of projected_step.h.
#include "kernels/projected_step.h"

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/makers.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {

ProjectedStepKernel* projected_step_kernel() {
  return [](float* next, const float* x, const float* origin, const float* gradient, int64_t count,
            float alpha, float eps) {
    int64_t at = 0;
    for (; at + kLane <= count; at += kLane)
      projected_step(Floats::loadu(x + at), Floats::loadu(origin + at), Floats::loadu(gradient + at),
                     Floats(alpha), Floats(eps))
          .store(next + at);
    for (; at < count; ++at)
      next[at] = projected_step(x[at], origin[at], gradient[at], alpha, eps);
  };
}

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
