// Turning fused kernels off, one by one, to measure what each gains and to find which one a fault is in.
#pragma once

#include <string_view>

namespace selfgrad::kernels {

/// False where the environment's SELFGRAD_PLAIN, a list with commas or `all`, names this kernel: then
/// LibTorch's operations do its work.
bool enabled(std::string_view kernel);

}  // namespace selfgrad::kernels
