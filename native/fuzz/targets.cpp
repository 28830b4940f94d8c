#include "targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "error.h"
#include "io/safetensors.h"
#include "nn/model_file.h"
#include "nn/network.h"
#include "nn/state_dict.h"
#include "train/checkpoint.h"

namespace selfgrad::fuzz {
namespace {

/// A file that never touches a disk.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (descriptor_ < 0 ||
        ::write(descriptor_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      throw std::runtime_error("no file in memory");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// The largest whole number in a header, at most 1 MB: where its last tensor may end.
size_t claimed_payload(const std::string& header) {
  constexpr size_t kMost = 1 << 20;
  size_t largest = 0, number = 0;
  for (const char c : header) {
    number = c >= '0' && c <= '9' ? std::min(kMost + 1, 10 * number + static_cast<size_t>(c - '0')) : 0;
    if (number <= kMost) largest = std::max(largest, number);
  }
  return largest;
}

/// Length, header, zeros.
std::string file_of(const uint8_t* bytes, size_t size) {
  const std::string header(reinterpret_cast<const char*>(bytes), size);
  std::string file;
  for (int i = 0; i < 8; ++i)
    file += static_cast<char>((static_cast<uint64_t>(size) >> (8 * i)) & 255);
  return file + header + std::string(claimed_payload(header), '\0');
}

template <typename Body>
void expect_error_or_nothing(const Body& body) {
  try {
    body();
  } catch (const Error&) {
    // A sentence for the user: as it should be.
  }
}

/// The run that `checkpoint` resumes: every kind of state that a checkpoint can hold.
struct SmallRun {
  SmallRun() {
    NetworkOptions network_options;
    network_options.architecture = "small-cnn";
    network_options.shape = {1, 8, 8};
    network_options.classes = 3;
    network_options.width = 1;
    network_options.mean = {0.5};
    network_options.std = {0.25};
    network = make_network(network_options);
    options.strategy.name = "self-gradient";
    options.average_decay = 0.5;
    optimizer = std::make_unique<Sgd>(*network, options.momentum, options.nesterov, options.weight_decay);
    strategy = make_strategy(options, /*count=*/4, network_options.shape, network_options.classes);
    average = std::make_unique<WeightAverage>(*network, options.average_decay);
  }
  TrainOptions options;
  std::shared_ptr<Network> network;
  std::unique_ptr<Sgd> optimizer;
  std::unique_ptr<Strategy> strategy;
  std::unique_ptr<WeightAverage> average;
};

}  // namespace

void safetensors_header(const uint8_t* bytes, size_t size) {
  const std::string header(reinterpret_cast<const char*>(bytes), size);
  expect_error_or_nothing(
      [&] { parse_safetensors_header(header.data(), header.size(), claimed_payload(header), "fuzz"); });
}

void safetensors_file(const uint8_t* bytes, size_t size) {
  const MemoryFile file(std::string(reinterpret_cast<const char*>(bytes), size));
  expect_error_or_nothing([&] { read_safetensors(file.path()); });
}

void model_file(const uint8_t* bytes, size_t size) {
  const MemoryFile file(file_of(bytes, size));
  expect_error_or_nothing([&] { load_network(read_safetensors(file.path()), file.path()); });
  expect_error_or_nothing([&] { described_costs(read_safetensors_header(file.path()), file.path()); });
}

void state_dict(const uint8_t* bytes, size_t size) {
  const MemoryFile file(file_of(bytes, size));
  for (const char* architecture : {"preact-resnet", "wide-resnet", "small-cnn"}) {
    NetworkOptions options;
    options.architecture = architecture;
    options.shape = {3, 8, 8};
    options.width = 1;
    if (options.architecture != "small-cnn") options.depths = {1, 1, 1};
    expect_error_or_nothing([&] { load_state_dict(read_safetensors(file.path()), options, file.path()); });
  }
}

void checkpoint(const uint8_t* bytes, size_t size) {
  static SmallRun run;
  const MemoryFile file(file_of(bytes, size));
  expect_error_or_nothing([&] {
    load_checkpoint(file.path(), *run.network, *run.optimizer, *run.strategy, run.average.get(), run.options);
  });
}

}  // namespace selfgrad::fuzz
