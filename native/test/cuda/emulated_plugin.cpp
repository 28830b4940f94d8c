// The plug-in's own sources, compiled for the CPU, and a graph that runs its steps one by one.
#include <ATen/ATen.h>

#include <atomic>
#include <mutex>

#include "emulated_cuda.h"
#include "emulated_graph.h"
#include "plugin.cpp"
// It gives CUDA's words another meaning: after every header.
#include "kernels.cu"

namespace selfgrad::test {
namespace {

std::atomic<bool> in_graph{false};
std::mutex log_mutex;
std::vector<int64_t> blocks_used;
int64_t blocks_before = 0;

class EmulatedGraph final : public kernels::StepGraph {
 public:
  void run(int64_t count, const std::function<void()>& work) override {
    for (; count > 0; --count, ++done_) {
      if (done_ < kWarmUp) {
        work();
        continue;
      }
      const std::vector<int64_t> used = record(work);
      if (used_.empty()) used_ = used;
      TORCH_CHECK(used == used_, "A recorded step uses other memory than in the step before.");
    }
  }

 private:
  static constexpr int64_t kWarmUp = 2;

  std::vector<int64_t> record(const std::function<void()>& work) {
    {
      const std::lock_guard lock(log_mutex);
      blocks_used.clear();
      if (used_.empty()) before_ = blocks_taken();
      blocks_before = before_;
    }
    in_graph = true;
    try {
      work();
    } catch (...) {
      in_graph = false;
      throw;
    }
    in_graph = false;
    const std::lock_guard lock(log_mutex);
    return blocks_used;
  }

  int64_t done_ = 0, before_ = 0;
  std::vector<int64_t> used_;
};

}  // namespace

bool recording() {
  return in_graph;
}

void touched(const at::Tensor& tensor) {
  if (!in_graph || tensor.numel() == 0) return;
  const std::lock_guard lock(log_mutex);
  blocks_used.push_back(block_of(tensor.const_data_ptr(), blocks_before));
}

PluginGuard::PluginGuard() {
  kernels::set_cuda_kernels(selfgrad_cuda_kernels());
}
PluginGuard::~PluginGuard() {
  kernels::set_cuda_kernels(nullptr);
}

}  // namespace selfgrad::test

namespace selfgrad::cuda {

void* emulated_pointer(const void* pointer) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(pointer) & ~kDeviceBit);
}

std::unique_ptr<kernels::StepGraph> make_graph(at::Device) {
  return std::make_unique<test::EmulatedGraph>();
}

}  // namespace selfgrad::cuda
