// Enough of CUDA's syntax for the C++ compiler to compile kernels.cu: a launch runs its threads one by one,
// which is the same for kernels whose threads never meet.
#pragma once

#include <cstdint>

#define __global__
#define __device__

namespace selfgrad::cuda {

struct GridPosition {
  int64_t x = 0;
};
inline thread_local GridPosition blockIdx, blockDim, threadIdx;

template <class F>
void emulate(int64_t blocks, int64_t threads, const F& thread) {
  blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
    for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x)
      thread();
}

}  // namespace selfgrad::cuda
