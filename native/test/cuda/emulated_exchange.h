// The exchange between emulated GPUs: c10d's with Gloo, on memory that no host code reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>

namespace selfgrad::test {

/// What connecting fails with; nothing: it does not.
inline std::string exchange_error;

/// A sum on the device: done at once, or when it is given up.
class EmulatedWork final : public c10d::Work {
 public:
  void end(std::exception_ptr error = nullptr) { finish(std::move(error)); }
  void synchronize() override {}
};

/// With no `hosts`, a sum of one rank.
class EmulatedExchange final : public c10d::Backend {
 public:
  EmulatedExchange(int rank, int size, c10::intrusive_ptr<c10d::Backend> hosts)
      : Backend(rank, size), hosts_(std::move(hosts)) {}
  const std::string getBackendName() const override { return "emulated"; }
  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override;
  void abort() override;

  /// From now on sums wait for a rank that is lost.
  void stick() { sticks_ = true; }
  /// As the host does that needs a number of such a sum.
  void wait_for_abort();
  /// The last sum.
  EmulatedWork& last() { return *last_; }

 private:
  c10::intrusive_ptr<c10d::Backend> hosts_;
  c10::intrusive_ptr<EmulatedWork> last_;
  std::atomic<bool> sticks_{false};
  std::mutex mutex_;
  std::condition_variable aborted_;
  std::atomic<bool> is_aborted_{false};
};

/// That of a rank's world that has been told to `use` the GPU last.
EmulatedExchange& exchange_of(int64_t rank);

}  // namespace selfgrad::test
