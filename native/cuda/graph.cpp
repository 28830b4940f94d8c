#include "graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <optional>

namespace selfgrad::cuda {
namespace {

/// Steps before the one that is recorded: cuDNN chooses and loads its kernels in them.
constexpr int64_t kWarmUp = 2;

/// What `later` gets from now on waits for what `earlier` has got until now.
void wait(const c10::cuda::CUDAStream& later, const c10::cuda::CUDAStream& earlier) {
  c10::Event event(c10::DeviceType::CUDA);
  event.record(earlier.unwrap());
  event.block(later.unwrap());
}

class CudaStepGraph final : public kernels::StepGraph {
 public:
  explicit CudaStepGraph(at::Device device)
      : device_(device), side_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  void run(int64_t count, const std::function<void()>& work) override {
    const c10::cuda::CUDAGuard guard(device_);
    const c10::cuda::CUDAStream caller = c10::cuda::getCurrentCUDAStream(device_.index());
    wait(side_, caller);
    {
      const c10::cuda::CUDAStreamGuard on_side(side_);
      for (; count > 0 && done_ < kWarmUp; --count, ++done_)
        work();
      if (count > 0 && !graph_) record(work);
      for (; count > 0; --count)
        graph_->replay();
    }
    wait(caller, side_);
  }

 private:
  void record(const std::function<void()>& work) {
    at::cuda::CUDAGraph& graph = graph_.emplace();
    // Other threads may go on with work of their own.
    graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
      graph.capture_end();
    } catch (...) {
      end_quietly(graph);
      graph_.reset();
      throw;
    }
  }

  /// Of a record that is not wanted: the stream must leave its recording.
  static void end_quietly(at::cuda::CUDAGraph& graph) {
    try {
      graph.capture_end();
    } catch (const c10::Error&) {
      // What stopped the record is the error to tell.
    }
  }

  at::Device device_;
  c10::cuda::CUDAStream side_;
  int64_t done_ = 0;
  std::optional<at::cuda::CUDAGraph> graph_;
};

}  // namespace

std::unique_ptr<kernels::StepGraph> make_graph(at::Device device) {
  return std::make_unique<CudaStepGraph>(device);
}

}  // namespace selfgrad::cuda
