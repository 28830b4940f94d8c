// The table of one vector extension.
#include <c10/util/BFloat16.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/makers.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {

const CpuKernels& table() {
  static const CpuKernels kernels{
      .capability = SELFGRAD_CAPABILITY,
      .width = kWidth,
      .norm_activation_float = norm_activation_kernels<float>(),
      .norm_activation_bfloat16 = norm_activation_kernels<c10::BFloat16>(),
      .normalize_float = normalize_kernels<float>(),
      .normalize_bfloat16 = normalize_kernels<c10::BFloat16>(),
      .projected_step = projected_step_kernel(),
      .image = image_kernels(),
  };
  return kernels;
}

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
