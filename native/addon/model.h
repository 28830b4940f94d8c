// `Model` in JavaScript: a network that jobs share; training has it alone.
#pragma once

#include <napi.h>

#include <memory>
#include <shared_mutex>

#include "error.h"
#include "nn/network.h"

namespace selfgrad::addon {

/// A network and who may use it: many readers in evaluation mode, or one training run.
struct SharedNetwork {
  std::shared_ptr<Network> network;
  std::shared_mutex use;
};

/// Locks for reading (Lock = std::shared_lock) or training (std::unique_lock).
/// @throws Error("ERR_OPTION") when another run has the network.
template <template <typename> typename Lock>
Lock<std::shared_mutex> acquire(SharedNetwork& shared) {
  Lock<std::shared_mutex> lock(shared.use, std::try_to_lock);
  if (!lock.owns_lock())
    throw Error("ERR_OPTION",
                "Expected a model that is not in use but another run has it. Wait for that run, or load a "
                "second model.");
  return lock;
}

class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// From NativeModelOptions, or from an External of std::shared_ptr<Network>.
  explicit ModelObject(const Napi::CallbackInfo& info);

  static std::shared_ptr<SharedNetwork> get(const Napi::Object& from, const char* key);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<Network> network);

 private:
  std::shared_ptr<SharedNetwork> shared(Napi::Env env) const;
  Napi::Value options(const Napi::CallbackInfo& info);
  Napi::Value parameter_count(const Napi::CallbackInfo& info);
  Napi::Value flops(const Napi::CallbackInfo& info);
  Napi::Value tensors(const Napi::CallbackInfo& info);
  Napi::Value layers(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<SharedNetwork> shared_;
};

/// `loadModel({ path })` and `inspect({ path })`.
Napi::Value load_model(const Napi::CallbackInfo& info);
Napi::Value inspect(const Napi::CallbackInfo& info);

}  // namespace selfgrad::addon
