// Opens LibTorch's GPU part and the CUDA plug-in. Neither is linked: an addon that computes on the CPU needs
// none.
#include <ATen/Context.h>

#include <mutex>
#include <optional>
#include <string>

#include "addon.h"
#include "kernels/cuda/table.h"
#include "values.h"

#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace selfgrad::addon {
namespace {

struct Refusal {
  const char* part;  ///< libtorch or plugin
  std::string problem;
};

#if defined(__linux__)
std::string last_error() {
  const char* error = dlerror();
  return error == nullptr ? "unknown reason" : error;
}

std::optional<Refusal> open_plugin(const std::string& libtorch_cuda, const std::string& path) {
  // LibTorch registers its GPU part while this library loads; both stay for the life of the process.
  if (dlopen(libtorch_cuda.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr)
    return Refusal{"libtorch", "LibTorch's GPU part cannot be opened: " + last_error()};
  if (!at::globalContext().hasCUDA())
    return Refusal{"libtorch", "LibTorch's GPU part " + libtorch_cuda +
                                   " finds no GPU (or was opened behind the first run of this process)"};
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) return Refusal{"plugin", "the CUDA plug-in cannot be opened: " + last_error()};
  const kernels::CudaKernels* (*table)() = nullptr;
  *reinterpret_cast<void**>(&table) = dlsym(plugin, "selfgrad_cuda_kernels");
  const kernels::CudaKernels* found = table == nullptr ? nullptr : table();
  if (found == nullptr || found->table != kernels::kCudaTable)
    return Refusal{"plugin", "the CUDA plug-in " + path + " is of another build"};
  // Float32 is float32: cuDNN would round the factors of convolutions to 10 bits.
  at::globalContext().setAllowTF32CuDNN(false);
  kernels::set_cuda_kernels(found);
  return std::nullopt;
}
#else
std::optional<Refusal> open_plugin(const std::string&, const std::string&) {
  return Refusal{"plugin", "the CUDA plug-in exists for Linux only"};
}
#endif

}  // namespace

Napi::Value open_cuda(const Napi::CallbackInfo& info) {
  static std::mutex opening;
  const std::lock_guard lock(opening);
  const auto request = info[0].As<Napi::Object>();
  std::optional<Refusal> refusal;
  if (kernels::cuda_kernels() == nullptr)
    refusal = open_plugin(text(request, "libtorchCuda"), text(request, "plugin"));
  if (!refusal) return info.Env().Null();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("part", refusal->part);
  out.Set("problem", refusal->problem);
  return out;
}

}  // namespace selfgrad::addon
