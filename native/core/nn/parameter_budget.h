// How large a network may become that a file describes: a few bytes of text must not make gigabytes.
#pragma once

#include <cstdint>

#include "io/safetensors.h"

namespace selfgrad {

/// While it lives, the layers that this thread builds may hold so many parameters together. Budgets do not
/// nest.
class ParameterBudget {
 public:
  /// As many as `file` has elements and `spare` more, so that what a file lacks can be listed by name.
  ParameterBudget(const TensorFile& file, int64_t spare);
  explicit ParameterBudget(int64_t elements);
  ~ParameterBudget();
  ParameterBudget(const ParameterBudget&) = delete;
  ParameterBudget& operator=(const ParameterBudget&) = delete;
};

/// Called by a layer before it allocates a weight of `rows` times `columns`; nothing happens without a
/// budget.
/// @throws Error("ERR_CHECKPOINT") when the budget is spent.
void spend_parameters(int64_t rows, int64_t columns);

}  // namespace selfgrad
