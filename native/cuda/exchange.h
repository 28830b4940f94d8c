// The exchange between the GPUs of a run's ranks.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace selfgrad::cuda {

/// `make_exchange` of kernels/cuda/table.h.
c10::intrusive_ptr<c10d::Backend> make_exchange(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                int size, at::Device device,
                                                std::chrono::milliseconds timeout);

}  // namespace selfgrad::cuda
