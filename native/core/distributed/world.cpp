#define USE_C10D_GLOO 1
#include "distributed/world.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <sstream>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/device_exchange.h"
#include "error.h"
#include "kernels/cuda/table.h"

namespace selfgrad {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{20};       // between two looks at who has come
constexpr milliseconds kAttempt{1000};  // for one attempt to reach the store: between two, a stop is noticed

std::string place_of(const WorldOptions& options) {
  return options.host + ":" + std::to_string(options.port);
}

std::string seconds_of(const WorldOptions& options) {
  std::ostringstream text;
  text << options.timeout << " s";
  return text.str();
}

std::string first_line(const char* text) {
  const std::string whole(text);
  return whole.substr(0, whole.find('\n'));
}

/// In one line, without the places in c10d's sources.
std::string sentence_of(const std::exception& error) {
  const auto* located = dynamic_cast<const c10::Error*>(&error);
  std::string text = located == nullptr ? error.what() : located->what_without_backtrace();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// c10d logs every failed attempt with a stack; what matters of it is in our errors. Once: the level is a
// plain number, and worlds may be made by several threads.
void quiet_log() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  });
}

Error no_rendezvous(const std::string& sentence) {
  return {"ERR_RENDEZVOUS", sentence};
}

c10::intrusive_ptr<c10d::Store> open_store(const WorldOptions& options, Clock::time_point deadline,
                                           const std::atomic<bool>& stop) {
  c10d::TCPStoreOptions store;
  store.port = static_cast<uint16_t>(options.port);
  store.isServer = options.serves;
  store.waitWorkers = false;
  store.timeout = kAttempt;
  store.useLibUV = false;  // LibTorch's would be Node's here
  while (true) {
    try {
      return c10::make_intrusive<c10d::TCPStore>(options.host, store);
    } catch (const std::exception& error) {
      if (options.serves)
        throw no_rendezvous("Rank 0 cannot listen on port " + std::to_string(options.port) + ": " +
                            first_line(error.what()) + ". Give the run a free port in MASTER_PORT.");
      if (Clock::now() >= deadline)
        throw no_rendezvous(
            "Rank " + std::to_string(options.rank) + " found nobody at " + place_of(options) + " within " +
            seconds_of(options) + ": " + first_line(error.what()) +
            ". MASTER_ADDR and MASTER_PORT must be rank 0's machine and a port that the others "
            "can reach.");
    }
    if (stop) throw Cancelled();
  }
}

}  // namespace

struct World::Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo::Options> options;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  std::unique_ptr<DeviceExchange> devices;  // null: tensors are on the CPU
};

World::World() = default;
World::~World() = default;

World::World(const WorldOptions& options, const std::atomic<bool>& stop)
    : rank_(options.rank), size_(options.size) {
  if (alone()) return;
  const auto timeout = milliseconds(std::llround(options.timeout * 1000));
  const auto deadline = Clock::now() + timeout;
  quiet_log();
  group_ = std::make_unique<Group>();
  group_->store = c10::make_intrusive<c10d::PrefixStore>("selfgrad/" + options.attempt,
                                                         open_store(options, deadline, stop));
  check_ranks(options, stop);
  group_->options = c10d::ProcessGroupGloo::Options::create(timeout);
  group_->options->devices.push_back(options.network.empty()
                                         ? c10d::ProcessGroupGloo::createDeviceForHostname(options.address)
                                         : c10d::ProcessGroupGloo::createDeviceForInterface(options.network));
  try {
    group_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(group_->store, static_cast<int>(rank_),
                                                               static_cast<int>(size_), group_->options);
  } catch (const std::exception& error) {
    throw no_rendezvous("Rank " + std::to_string(rank_) + " found the others but cannot reach them from " +
                        (options.network.empty() ? options.address : options.network) + ": " +
                        first_line(error.what()) +
                        ". Name the network interface between the machines in GLOO_SOCKET_IFNAME.");
  }
  // Nobody uses or leaves the world before all have connected.
  sum(std::vector<double>{0});
  traffic_ = {};
}

void World::check_ranks(const WorldOptions& options, const std::atomic<bool>& stop) {
  const auto deadline = Clock::now() + milliseconds(std::llround(options.timeout * 1000));
  auto& store = *group_->store;
  const auto key = [](int64_t rank) { return "rank/" + std::to_string(rank); };
  try {
    // The first to come says how many there are; the others must have been told the same.
    const std::string size = std::to_string(size_);
    if (const std::string agreed = store.compareSet("size", std::string(), size); agreed != size)
      throw no_rendezvous("Expected one world size on all ranks but rank " + std::to_string(rank_) +
                          " was told " + size + " and another " + agreed +
                          ". Start all ranks with the same WORLD_SIZE.");
    if (store.add(key(rank_), 1) > 1)
      throw no_rendezvous("Two processes at " + place_of(options) + " say that they are rank " +
                          std::to_string(rank_) + ". Give each process a RANK of its own, from 0 to " +
                          std::to_string(size_ - 1) + ".");
    store.add("ranks", 1);
    const auto too_late = [&] {
      std::string missing;
      for (int64_t rank = 0; rank < size_; ++rank)
        if (!store.check({key(rank)}))
          missing.append(missing.empty() ? "" : ", ").append(std::to_string(rank));
      return no_rendezvous("Of " + size + " ranks these did not come to " + place_of(options) + " within " +
                           seconds_of(options) + ": " + missing +
                           ". Start all ranks, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE.");
    };
    while (store.add("ranks", 0) < size_) {
      if (stop) throw Cancelled();
      if (Clock::now() >= deadline) throw too_late();
      std::this_thread::sleep_for(kPoll);
    }
  } catch (const c10::Error& error) {
    throw no_rendezvous("Rank " + std::to_string(rank_) + " lost rank 0 while the ranks gathered: " +
                        first_line(error.what_without_backtrace()) + ". See what rank 0 says.");
  }
}

void World::use(at::Device device) {
  if (alone() || device.is_cpu() || group_->devices) return;
  const auto prefixed = [&](const char* name) {
    return c10::make_intrusive<c10d::PrefixStore>(name, group_->store);
  };
  const auto rank = static_cast<int>(rank_), size = static_cast<int>(size_);
  const auto timeout = group_->options->timeout;
  // NCCL begins by the store, which waits for a short time only: all are here first.
  sum(std::vector<double>{0});
  group_->store->setTimeout(timeout);
  try {
    auto devices = kernels::cuda_kernels()->make_exchange(prefixed("devices"), rank, size, device, timeout);
    auto beats = c10::make_intrusive<c10d::ProcessGroupGloo>(prefixed("beats"), rank, size, group_->options);
    group_->devices = std::make_unique<DeviceExchange>(std::move(devices), std::move(beats), timeout);
  } catch (const std::exception& error) {
    throw Error("ERR_DEVICE", "Rank " + std::to_string(rank_) + " on " + device.str() +
                                  " does not reach the other ranks' GPUs: " + sentence_of(error) +
                                  ". Give each rank of a machine a LOCAL_RANK and a GPU of its own, see what "
                                  "NCCL_DEBUG=INFO says, or write device=cpu.");
  }
  // Nobody leaves before all have connected.
  sum(std::vector<double>{0});
}

void World::check() {
  if (!alone()) timed(0, [](auto&) {});
}

template <typename Call>
void World::timed(int64_t bytes, const Call& call) {
  const auto started = Clock::now();
  try {
    if (group_->devices) group_->devices->check();
    call(*group_->gloo);
  } catch (const std::exception& error) {
    throw Error("ERR_RANK", "Rank " + std::to_string(rank_) + " of " + std::to_string(size_) +
                                " waits for another that has ended or does not answer: " +
                                first_line(error.what()) + ". See what the other ranks say.");
  }
  traffic_.calls += 1;
  traffic_.bytes += bytes;
  traffic_.seconds += std::chrono::duration<double>(Clock::now() - started).count();
}

void World::sum(const std::vector<at::Tensor>& tensors) {
  if (alone()) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  parts.reserve(tensors.size());
  for (const at::Tensor& tensor : tensors)
    parts.push_back(tensor.detach().reshape({-1}));
  std::vector<at::Tensor> flat{at::cat(parts)};
  // In a ring every rank sends each part but one, twice.
  timed(2 * (size_ - 1) * static_cast<int64_t>(flat[0].nbytes()) / size_, [&](auto& gloo) {
    if (flat[0].is_cpu()) {
      gloo.allreduce(flat)->wait();
    } else {
      group_->devices->sum(flat[0]);
    }
  });
  int64_t begin = 0;
  for (const at::Tensor& tensor : tensors) {
    tensor.detach().copy_(flat[0].narrow(0, begin, tensor.numel()).view(tensor.sizes()));
    begin += tensor.numel();
  }
}

std::vector<double> World::sum(std::vector<double> numbers) {
  sum({at::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, at::kDouble)});
  return numbers;
}

double World::mean(double mean, double weight) {
  if (alone()) return mean;
  const std::vector<double> sums = sum(std::vector<double>{mean * weight, weight});
  return sums[0] / sums[1];
}

void World::broadcast(const at::Tensor& tensor) {
  if (alone()) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> message{tensor.detach().cpu().contiguous()};
  timed(rank_ == 0 ? (size_ - 1) * static_cast<int64_t>(tensor.nbytes()) : 0,
        [&](auto& gloo) { gloo.broadcast(message)->wait(); });
  if (!message[0].is_same(tensor)) tensor.detach().copy_(message[0]);
}

at::Tensor World::gather(const at::Tensor& rows, int64_t n) {
  if (alone()) return rows;
  const at::NoGradGuard no_grad;
  if (rank_ > 0) {
    std::vector<at::Tensor> message{rows.detach().cpu().contiguous()};
    if (rows.numel() > 0)
      timed(static_cast<int64_t>(rows.nbytes()),
            [&](auto& gloo) { gloo.send(message, /*dstRank=*/0, /*tag=*/0)->wait(); });
    return {};
  }
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = n;
  const auto on_host = rows.options().device(at::kCPU);
  at::Tensor all = at::empty(shape, on_host);
  mine(all).copy_(rows);
  for (int rank = 1; rank < size_; ++rank) {
    shape[0] = this->rows(n, rank);
    std::vector<at::Tensor> message{at::empty(shape, on_host)};
    if (message[0].numel() == 0) continue;
    timed(0, [&](auto& gloo) { gloo.recv(message, rank, /*tag=*/0)->wait(); });
    all.slice(0, rank, n, size_).copy_(message[0]);
  }
  return all;
}

void World::scatter(const at::Tensor& all, const at::Tensor& rows) {
  if (alone()) return;
  const at::NoGradGuard no_grad;
  if (rank_ > 0) {
    std::vector<at::Tensor> message{at::empty(rows.sizes(), rows.options().device(at::kCPU))};
    if (rows.numel() > 0) timed(0, [&](auto& gloo) { gloo.recv(message, /*srcRank=*/0, /*tag=*/0)->wait(); });
    rows.copy_(message[0]);
    return;
  }
  rows.copy_(mine(all));
  for (int rank = 1; rank < size_; ++rank) {
    std::vector<at::Tensor> message{all.slice(0, rank, all.size(0), size_).contiguous()};
    if (message[0].numel() > 0)
      timed(static_cast<int64_t>(message[0].nbytes()),
            [&](auto& gloo) { gloo.send(message, rank, /*tag=*/0)->wait(); });
  }
}

at::Tensor World::exchange(const at::Tensor& rows, const std::vector<int64_t>& send,
                           std::vector<int64_t>& receive) {
  std::vector<int64_t> none;
  if (receive.empty()) {
    at::Tensor asked = at::tensor(send), answered = at::empty({size_}, at::kLong);
    timed((size_ - 1) * 8, [&](auto& gloo) { gloo.alltoall_base(answered, asked, none, none)->wait(); });
    receive.assign(answered.const_data_ptr<int64_t>(), answered.const_data_ptr<int64_t>() + size_);
  }
  at::Tensor sent = rows.contiguous();
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = std::accumulate(receive.begin(), receive.end(), int64_t{0});
  at::Tensor received = at::empty(shape, rows.options().memory_format(at::MemoryFormat::Contiguous));
  const int64_t row_bytes = rows.size(0) == 0 ? 0 : static_cast<int64_t>(rows.nbytes()) / rows.size(0);
  std::vector<int64_t> from = receive, to = send;
  timed((rows.size(0) - send[rank_]) * row_bytes,
        [&](auto& gloo) { gloo.alltoall_base(received, sent, from, to)->wait(); });
  return received;
}

std::vector<std::string> World::texts(const std::string& text) {
  if (alone()) return {text};
  const std::vector<int64_t> to_all(size_, static_cast<int64_t>(text.size()));
  std::string copies;
  for (int64_t rank = 0; rank < size_; ++rank)
    copies += text;
  std::vector<int64_t> lengths;
  const at::Tensor all = exchange(
      at::from_blob(copies.data(), {static_cast<int64_t>(copies.size())}, at::kChar), to_all, lengths);
  std::vector<std::string> texts;
  const auto* next = reinterpret_cast<const char*>(all.const_data_ptr<int8_t>());
  for (const int64_t length : lengths) {
    texts.emplace_back(next, length);
    next += length;
  }
  return texts;
}

RowExchange::RowExchange(World& world, const at::Tensor& indices) : world_(world) {
  const at::Tensor keepers = indices.remainder(world.size());
  order_ = keepers.argsort(/*stable=*/true);
  const at::Tensor counts = keepers.bincount({}, world.size());
  kept_.assign(counts.const_data_ptr<int64_t>(), counts.const_data_ptr<int64_t>() + world.size());
  places_ = world.exchange(indices.index_select(0, order_), kept_, asked_).floor_divide(world.size());
}

at::Tensor RowExchange::to_keepers(const at::Tensor& rows) {
  return world_.exchange(rows.index_select(0, order_), kept_, asked_);
}

at::Tensor RowExchange::from_keepers(const at::Tensor& rows) {
  const at::Tensor sorted = world_.exchange(rows, asked_, kept_);
  return at::empty_like(sorted).index_copy_(0, order_, sorted);
}

}  // namespace selfgrad
