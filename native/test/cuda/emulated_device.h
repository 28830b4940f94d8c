// Memory of a GPU that is none: blocks of the host under addresses that no program can read, so that host
// code that reads a tensor of the device ends the test, as it would end a run.
#pragma once

#include <cstdint>

namespace selfgrad::cuda {

/// Set in every address of the device.
inline constexpr uintptr_t kDeviceBit = uintptr_t{1} << 62;

/// Where a block of the device really is; others as they are.
void* emulated_pointer(const void* pointer);

/// What the device says it has left.
inline int64_t emulated_free_bytes = int64_t{1} << 30;

}  // namespace selfgrad::cuda
