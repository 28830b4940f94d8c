#define USE_C10D_NCCL 1
#include "exchange.h"

#include <c10/cuda/CUDAGuard.h>

#include <cstdlib>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace selfgrad::cuda {
namespace {

using Group = c10d::ProcessGroupNCCL;

// As LibTorch 2.11.0 was compiled, with NCCL's own headers: `declared/nccl.h` stands in for them.
static_assert(sizeof(ncclConfig_t) == 80 && sizeof(Group::Options) == 248 && sizeof(Group) == 1112);

}  // namespace

c10::intrusive_ptr<c10d::Backend> make_exchange(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                int size, at::Device device,
                                                std::chrono::milliseconds timeout) {
  const c10::cuda::CUDAGuard guard(device);
  // So set, c10d starts no watchdog: that would end the process when a rank is lost, where the others of the
  // run are to say so. It is the core that watches (distributed/device_exchange.h), and `synchronize` instead
  // of `wait` keeps the host from waiting.
  ::setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/1);
  const auto options = Group::Options::create();
  TORCH_CHECK(options->config.size == sizeof(ncclConfig_t), "LibTorch's NCCL is of another version");
  options->timeout = timeout;
  auto group = c10::make_intrusive<Group>(store, rank, size, options);
  try {
    group->eagerConnectSingleDevice(device);
  } catch (...) {
    group->abort();
    throw;
  }
  return group;
}

}  // namespace selfgrad::cuda
