#include "nn/parameter_budget.h"

#include <optional>
#include <string>

#include "error.h"

namespace selfgrad {
namespace {

struct Budget {
  int64_t total = 0, left = 0;
};
thread_local std::optional<Budget> budget_of_thread;

int64_t elements_of(const TensorFile& file) {
  int64_t elements = 0;
  for (const auto& [name, tensor] : file.tensors)
    elements += tensor.numel();
  return elements;
}

}  // namespace

ParameterBudget::ParameterBudget(const TensorFile& file, int64_t spare)
    : ParameterBudget(elements_of(file) + spare) {}

ParameterBudget::ParameterBudget(int64_t elements) {
  budget_of_thread = Budget{elements, elements};
}

ParameterBudget::~ParameterBudget() {
  budget_of_thread.reset();
}

void spend_parameters(int64_t rows, int64_t columns) {
  if (!budget_of_thread) return;
  auto& [total, left] = *budget_of_thread;
  if (columns > 0 && rows > left / columns)
    throw Error("ERR_CHECKPOINT", "Expected a network of at most " + std::to_string(total) +
                                      " parameters, which is what the file may fill, but received a larger "
                                      "one. Name the architecture that the file was made for.");
  left -= rows * columns;
}

}  // namespace selfgrad
