// The rules of a CUDA graph, without one: a recorded step must not wait for the device or read the host's
// memory, and each time it must read and write the same places of what was there before it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace selfgrad::test {

/// Whether a step is being recorded.
bool recording();
/// Notes that an operation uses `tensor`.
void touched(const at::Tensor& tensor);

/// The number of the block of the device that holds the address, -1 for one that was taken behind the first
/// `before` blocks.
int64_t block_of(const void* pointer, int64_t before);
int64_t blocks_taken();

}  // namespace selfgrad::test
