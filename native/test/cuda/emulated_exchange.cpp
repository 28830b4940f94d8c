#define USE_C10D_GLOO 1
#include "emulated_exchange.h"

#include <ATen/ATen.h>

#include <map>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "emulated_device.h"
#include "exchange.h"

namespace selfgrad::test {
namespace {

std::mutex made_mutex;
std::map<int64_t, c10::intrusive_ptr<EmulatedExchange>> made;

}  // namespace

c10::intrusive_ptr<c10d::Work> EmulatedExchange::allreduce(std::vector<at::Tensor>& tensors,
                                                           const c10d::AllreduceOptions&) {
  TORCH_CHECK(!is_aborted_, "The exchange was aborted.");
  last_ = c10::make_intrusive<EmulatedWork>();
  if (sticks_) return last_;
  for (const at::Tensor& tensor : tensors) {
    if (!hosts_) continue;
    TORCH_CHECK(tensor.is_cuda() && tensor.is_contiguous(), "Expected a message on the device.");
    std::vector<at::Tensor> message{at::from_blob(cuda::emulated_pointer(tensor.mutable_data_ptr()),
                                                  tensor.sizes(), at::TensorOptions().dtype(tensor.dtype()))};
    hosts_->allreduce(message)->wait();
  }
  last_->end();
  return last_;
}

void EmulatedExchange::abort() {
  const std::lock_guard lock(mutex_);
  is_aborted_ = true;
  aborted_.notify_all();
}

void EmulatedExchange::wait_for_abort() {
  std::unique_lock lock(mutex_);
  aborted_.wait(lock, [this] { return is_aborted_.load(); });
}

EmulatedExchange& exchange_of(int64_t rank) {
  const std::lock_guard lock(made_mutex);
  return *made.at(rank);
}

}  // namespace selfgrad::test

namespace selfgrad::cuda {

c10::intrusive_ptr<c10d::Backend> make_exchange(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                int size, at::Device, std::chrono::milliseconds timeout) {
  if (!test::exchange_error.empty()) throw std::runtime_error(test::exchange_error);
  const auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  auto exchange = c10::make_intrusive<test::EmulatedExchange>(
      rank, size, c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options));
  const std::lock_guard lock(test::made_mutex);
  test::made[rank] = exchange;
  return exchange;
}

}  // namespace selfgrad::cuda
