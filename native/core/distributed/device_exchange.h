// Sums over the GPUs of the ranks, and what ends them when a rank is lost.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Backend.hpp>

namespace selfgrad {

/// A sum between GPUs waits there, for ever if a rank is lost, and the host with it as soon as it needs a
/// number. So a thread watches: the hosts of all ranks meet once a second, and where they do not, or a sum
/// takes too long, it ends what the GPU waits for. Numbers are then arbitrary, and every call here throws.
class DeviceExchange {
 public:
  /// Of `devices` the GPUs', of `beats` the hosts'; nobody else uses either.
  DeviceExchange(c10::intrusive_ptr<c10d::Backend> devices, c10::intrusive_ptr<c10d::Backend> beats,
                 std::chrono::milliseconds timeout);
  /// The other ranks take this one for lost from now on.
  ~DeviceExchange();
  DeviceExchange(const DeviceExchange&) = delete;
  DeviceExchange& operator=(const DeviceExchange&) = delete;

  /// Adds up over the ranks, in place, without the host waiting. @throws std::exception when a rank is lost
  void sum(const at::Tensor& tensor);
  /// @throws std::runtime_error when a rank is lost
  void check();

 private:
  using Clock = std::chrono::steady_clock;
  void watch();
  void beat();

  const c10::intrusive_ptr<c10d::Backend> devices_, beats_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;  // over what follows
  std::condition_variable left_;
  bool leaving_ = false;
  std::string loss_;  // empty: none
  c10::intrusive_ptr<c10d::Work> last_;
  Clock::time_point since_;  // when the last was started
  std::thread watcher_;
};

}  // namespace selfgrad
