#include "distributed/device_exchange.h"

#include <ATen/ops/zeros.h>

#include <stdexcept>
#include <utility>

namespace selfgrad {
namespace {

constexpr std::chrono::seconds kBeat{1};

}  // namespace

DeviceExchange::DeviceExchange(c10::intrusive_ptr<c10d::Backend> devices,
                               c10::intrusive_ptr<c10d::Backend> beats, std::chrono::milliseconds timeout)
    : devices_(std::move(devices)),
      beats_(std::move(beats)),
      timeout_(timeout),
      watcher_([this] { watch(); }) {}

DeviceExchange::~DeviceExchange() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  left_.notify_one();
  watcher_.join();
  try {
    // Ranks that end well have agreed on it, so no sum is under way; others leave what is.
    devices_->abort();
  } catch (const std::exception&) {
    // The process goes on without these GPUs' exchange, which nobody uses any more.
  }
}

void DeviceExchange::sum(const at::Tensor& tensor) {
  check();
  std::vector<at::Tensor> message{tensor};
  auto work = devices_->allreduce(message);
  work->synchronize();
  const std::lock_guard lock(mutex_);
  last_ = std::move(work);
  since_ = Clock::now();
}

void DeviceExchange::check() {
  const std::lock_guard lock(mutex_);
  if (!loss_.empty()) throw std::runtime_error(loss_);
}

void DeviceExchange::watch() {
  std::unique_lock lock(mutex_);
  while (!left_.wait_for(lock, kBeat, [this] { return leaving_; })) {
    lock.unlock();
    std::string loss;
    try {
      beat();
    } catch (const std::exception& error) {
      loss = error.what();
    }
    lock.lock();
    if (loss.empty()) continue;
    loss_ = loss;
    lock.unlock();
    try {
      devices_->abort();
    } catch (const std::exception&) {
      // Then the host stays where it waits, and a second signal ends the process.
    }
    return;
  }
}

void DeviceExchange::beat() {
  std::vector<at::Tensor> message{at::zeros({1})};
  beats_->allreduce(message)->wait();
  c10::intrusive_ptr<c10d::Work> last;
  Clock::time_point since;
  {
    const std::lock_guard lock(mutex_);
    last = last_;
    since = since_;
  }
  if (!last) return;
  const bool completed = last->isCompleted();
  if (const auto error = last->exception()) std::rethrow_exception(error);
  if (!completed && Clock::now() - since > timeout_)
    throw std::runtime_error("a sum over the GPUs has taken longer than the ranks wait for each other");
}

}  // namespace selfgrad
