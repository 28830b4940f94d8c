// An attack's step as a CUDA graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "kernels/cuda/table.h"

namespace selfgrad::cuda {

/// The first steps are done as they are, so that libraries set themselves up; the next is recorded, and all
/// after it are replays of the record. On a stream of its own that the current one waits for.
std::unique_ptr<kernels::StepGraph> make_graph(at::Device device);

}  // namespace selfgrad::cuda
