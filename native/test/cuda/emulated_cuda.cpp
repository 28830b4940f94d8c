#include "emulated_cuda.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "emulated_device.h"
#include "emulated_graph.h"

namespace selfgrad::test {
namespace {

std::atomic<int64_t> waits{0}, uploads{0};

void count_wait(const std::string& operation) {
  TORCH_CHECK(!recording(), "A recorded step waits for the device in ", operation, ".");
  ++waits;
}
void count_upload(const std::string& operation) {
  TORCH_CHECK(!recording(), "A recorded step reads the host's memory in ", operation, ".");
  ++uploads;
}

// --- memory -----------------------------------------------------------------------------------------------

/// Blocks that are in use, by their real addresses, and when each was taken.
struct Blocks {
  std::mutex mutex;
  std::map<const char*, std::pair<size_t, int64_t>> sizes;
  int64_t taken = 0;
};
Blocks& blocks() {
  static Blocks all;
  return all;
}

class EmulatedAllocator final : public c10::Allocator {
 public:
  at::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, release, kGpu};
    char* real = static_cast<char*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    // Memory that nothing was written to gives NaN.
    std::memset(real, 0xFF, bytes);
    const std::lock_guard lock(blocks().mutex);
    blocks().sizes[real] = {bytes, blocks().taken++};
    return {reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(real) | cuda::kDeviceBit), real, release,
            kGpu};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(cuda::emulated_pointer(to), cuda::emulated_pointer(from), bytes);
  }

 private:
  static void release(void* real) {
    if (real == nullptr) return;
    const std::lock_guard lock(blocks().mutex);
    blocks().sizes.erase(static_cast<char*>(real));
    std::free(real);
  }
};

/// A tensor of the host over the memory of one of the device.
at::Tensor on_host(const at::Tensor& tensor) {
  const auto options = at::TensorOptions().dtype(tensor.dtype()).device(at::kCPU);
  if (tensor.numel() == 0) return at::empty_strided(tensor.sizes(), tensor.strides(), options);
  return at::from_blob(cuda::emulated_pointer(tensor.mutable_data_ptr()), tensor.sizes(), tensor.strides(),
                       options);
}

at::Tensor empty_strided_on_gpu(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type) {
  return at::detail::empty_strided_generic(sizes, strides, c10::GetAllocator(at::kCUDA),
                                           c10::DispatchKeySet(c10::DispatchKey::CUDA), type);
}

at::Tensor on_gpu(const at::Tensor& host) {
  const at::Tensor tensor = empty_strided_on_gpu(host.sizes(), host.strides(), host.scalar_type());
  on_host(tensor).copy_(host);
  return tensor;
}

// --- device, streams, hooks
// ---------------------------------------------------------------------------------

class EmulatedGuard final : public c10::impl::DeviceGuardImplInterface {
 public:
  at::DeviceType type() const override { return at::kCUDA; }
  at::Device exchangeDevice(at::Device) const override { return kGpu; }
  at::Device getDevice() const override { return kGpu; }
  void setDevice(at::Device) const override {}
  void uncheckedSetDevice(at::Device) const noexcept override {}
  c10::Stream getStream(at::Device) const override { return stream(); }
  c10::Stream getDefaultStream(at::Device) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const override { return stream(); }
  at::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, at::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { count_wait("synchronizeStream"); }
  void synchronizeEvent(void*) const override { count_wait("synchronizeEvent"); }

 private:
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, kGpu); }
};

class EmulatedHooks final : public at::CUDAHooksInterface {
 public:
  explicit EmulatedHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(at::DeviceIndex) const override { return true; }
  at::DeviceIndex deviceCount() const override { return 1; }
  at::DeviceIndex getCurrentDevice() const override { return 0; }
  int getNumGPUs() const override { return 1; }
  bool isPinnedPtr(const void*) const override { return false; }
  // `at::manual_seed` seeds every device.
  const at::Generator& getDefaultGenerator(at::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
  at::Allocator* getPinnedMemoryAllocator() const override { return c10::GetCPUAllocator(); }
};

// --- operations
// -----------------------------------------------------------------------------------------------

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, c10::GetAllocator(at::kCUDA),
                                   c10::DispatchKeySet(c10::DispatchKey::CUDA), type.value_or(at::kFloat),
                                   format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return empty_strided_on_gpu(size, stride, type.value_or(at::kFloat));
}

at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool) {
  if (!to.is_cuda()) count_wait("copy_ to the host");
  if (!from.is_cuda()) count_upload("copy_ from the host");
  (to.is_cuda() ? on_host(to) : to).copy_(from.is_cuda() ? on_host(from) : from);
  if (to.is_cuda()) touched(to);
  if (from.is_cuda()) touched(from);
  return to;
}

at::Scalar local_scalar(const at::Tensor& tensor) {
  count_wait("item");
  return at::_local_scalar_dense(on_host(tensor));
}

/// Results whose size depends on values: the host waits for it.
const std::set<std::string> kWaiting{"aten::nonzero",  "aten::masked_select", "aten::equal",
                                     "aten::_unique2", "aten::_unique",       "aten::unique_dim",
                                     "aten::bincount"};

/// One call: arguments become the host's, results the device's again.
class Call {
 public:
  Call(const c10::OperatorHandle& operation, torch::jit::Stack* stack)
      : operation_(operation), name_(operation.schema().name()), stack_(*stack) {}

  void run() {
    if (kWaiting.contains(name_)) count_wait(name_);
    const auto& arguments = operation_.schema().arguments();
    const size_t first = stack_.size() - arguments.size();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto* alias = arguments[i].alias_info();
      convert(stack_[first + i], alias != nullptr && alias->isWrite());
    }
    operation_.callBoxed(&stack_);
    for (const Pair& pair : pairs_)
      if (pair.written && pair.gpu.sizes() != pair.host.sizes()) regrow(pair);
    const size_t results = operation_.schema().returns().size();
    for (size_t i = stack_.size() - results; i < stack_.size(); ++i)
      give_back(stack_[i]);
  }

 private:
  struct Pair {
    at::Tensor gpu, host;
    bool written;
  };

  at::Tensor argument(const at::Tensor& tensor, bool written) {
    if (!tensor.defined()) return tensor;
    if (!tensor.is_cuda()) {
      TORCH_CHECK(tensor.dim() == 0, "Expected all tensors to be on the same device, but ", name_,
                  " got one of the CPU, ", tensor.sizes(), ".");
      // LibTorch's own `where` copies its scalars to the GPU.
      if (name_ == "aten::where") count_upload(name_);
      return tensor;
    }
    if (name_ == "aten::index" && tensor.scalar_type() == at::kBool) count_wait(name_);
    touched(tensor);
    const at::Tensor host = written && tensor.numel() == 0
                                ? at::empty({0}, at::TensorOptions().dtype(tensor.dtype()))
                                : on_host(tensor);
    pairs_.push_back({tensor, host, written});
    return host;
  }

  void convert(c10::IValue& value, bool written) {
    if (value.isTensor()) {
      value = argument(value.toTensor(), written);
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(argument(tensor, written));
      value = list;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        list.push_back(tensor ? std::optional(argument(*tensor, false)) : tensor);
      value = list;
    } else if (value.isDevice()) {
      value = at::Device(at::kCPU);
    }
  }

  /// What the operation has resized.
  static void regrow(const Pair& pair) {
    const at::Tensor grown = on_gpu(pair.host);
    auto* tensor = pair.gpu.unsafeGetTensorImpl();
    tensor->set_storage_keep_dtype(grown.storage());
    tensor->set_sizes_and_strides(grown.sizes(), grown.strides(), 0);
  }

  at::Tensor result(const at::Tensor& tensor) const {
    if (!tensor.defined() || tensor.is_cuda()) return tensor;
    for (const Pair& pair : pairs_)
      if (pair.host.is_same(tensor)) return pair.gpu;
    for (const Pair& pair : pairs_)
      TORCH_CHECK(tensor.numel() == 0 || !tensor.is_alias_of(pair.host), "The emulated GPU has no view ",
                  name_);
    return on_gpu(tensor);
  }

  void give_back(c10::IValue& value) const {
    if (value.isTensor()) {
      value = result(value.toTensor());
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(result(tensor));
      value = list;
    }
  }

  const c10::OperatorHandle& operation_;
  std::string name_;
  torch::jit::Stack& stack_;
  std::vector<Pair> pairs_;
};

void on_the_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  Call(operation, stack).run();
}

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  static EmulatedAllocator allocator;
  c10::SetAllocator(at::kCUDA, &allocator);
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("copy_", copy);
  library.impl("_local_scalar_dense", local_scalar);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
}

}  // namespace

C10_REGISTER_GUARD_IMPL(CUDA, EmulatedGuard);

int64_t block_of(const void* pointer, int64_t before) {
  const auto* real = static_cast<const char*>(cuda::emulated_pointer(pointer));
  const std::lock_guard lock(blocks().mutex);
  auto block = blocks().sizes.upper_bound(real);
  if (block == blocks().sizes.begin()) return -1;
  --block;
  const auto [size, taken] = block->second;
  return real < block->first + size && taken < before ? taken : -1;
}

int64_t blocks_taken() {
  const std::lock_guard lock(blocks().mutex);
  return blocks().taken;
}

Traffic traffic() {
  return {waits, uploads};
}

void forget_traffic() {
  waits = 0;
  uploads = 0;
}

}  // namespace selfgrad::test

namespace at {
// They are looked up by this name.
using CUDAHooks = selfgrad::test::EmulatedHooks;
REGISTER_CUDA_HOOKS(CUDAHooks)
}  // namespace at
