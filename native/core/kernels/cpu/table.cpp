#include "kernels/cpu/table.h"

#include <ATen/Version.h>

#include <string>

namespace selfgrad::kernels {

namespace DEFAULT {
const CpuKernels& table();
}
#if defined(SELFGRAD_X86_KERNELS)
namespace AVX2 {
const CpuKernels& table();
}
namespace AVX512 {
const CpuKernels& table();
}
#endif

std::vector<const CpuKernels*> runnable_cpu_kernels() {
  std::vector<const CpuKernels*> tables{&DEFAULT::table()};
#if defined(SELFGRAD_X86_KERNELS)
  const std::string capability = at::get_cpu_capability();
  if (capability == "AVX2" || capability == "AVX512") tables.push_back(&AVX2::table());
  if (capability == "AVX512") tables.push_back(&AVX512::table());
#endif
  return tables;
}

const CpuKernels& cpu_kernels() {
  static const CpuKernels& best = *runnable_cpu_kernels().back();
  return best;
}

}  // namespace selfgrad::kernels
