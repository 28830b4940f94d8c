// The element types of a safetensors file that this library reads and writes, and their names there.
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string_view>

namespace selfgrad {

/// The type behind a name such as "BF16"; empty for a type that is not read here (F8_E4M3, U16 …).
std::optional<at::ScalarType> dtype_from_name(std::string_view name);

/// The file's name of a type; empty when it cannot be stored.
std::optional<std::string_view> dtype_name(at::ScalarType type);

}  // namespace selfgrad
