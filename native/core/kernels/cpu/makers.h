// What the sources of one vector extension give to its table.
#pragma once

#include "kernels/cpu/table.h"

namespace selfgrad::kernels {
inline namespace CPU_CAPABILITY {

template <class T>
NormActivationKernels<T> norm_activation_kernels();
template <class T>
NormalizeKernels<T> normalize_kernels();
ProjectedStepKernel* projected_step_kernel();
ImageKernels image_kernels();

const CpuKernels& table();

}  // namespace CPU_CAPABILITY
}  // namespace selfgrad::kernels
