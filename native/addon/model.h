// `Model` in JavaScript: a network that jobs share; training has it alone.
#pragma once

#include <napi.h>

#include <memory>
#include <shared_mutex>
#include <vector>

#include "error.h"
#include "nn/classifier.h"
#include "nn/network.h"

namespace selfgrad::addon {

/// A model and who may use it: many readers in evaluation mode, or one training run.
struct SharedModel {
  std::shared_ptr<Classifier> classifier;
  std::shared_mutex use;
  /// As a network of selfgrad. @throws Error("ERR_OPTION") for a model of another kind.
  Network& network() const;
};

/// Locks for reading (Lock = std::shared_lock) or training (std::unique_lock).
/// @throws Error("ERR_OPTION") when another run has the network.
template <template <typename> typename Lock>
Lock<std::shared_mutex> acquire(SharedModel& shared) {
  Lock<std::shared_mutex> lock(shared.use, std::try_to_lock);
  if (!lock.owns_lock())
    throw Error("ERR_OPTION",
                "Expected a model that is not in use but another run has it. Wait for that run, or load a "
                "second model.");
  return lock;
}

using ReadLocks = std::vector<std::shared_lock<std::shared_mutex>>;
/// Locks each of the models, and those behind them, once, however often it is named. @throws as `acquire`
ReadLocks lock_for_reading(const std::vector<std::shared_ptr<SharedModel>>& models);

class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// From NativeModelOptions, or from an External of std::shared_ptr<Classifier>.
  explicit ModelObject(const Napi::CallbackInfo& info);

  static std::shared_ptr<SharedModel> get(const Napi::Object& from, const char* key);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<Classifier> classifier);

 private:
  std::shared_ptr<SharedModel> shared(Napi::Env env) const;
  Napi::Value options(const Napi::CallbackInfo& info);
  Napi::Value parameter_count(const Napi::CallbackInfo& info);
  Napi::Value flops(const Napi::CallbackInfo& info);
  Napi::Value costs(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value to(const Napi::CallbackInfo& info);
  Napi::Value tensors(const Napi::CallbackInfo& info);
  Napi::Value layers(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<SharedModel> shared_;
};

/// `networkCosts(NativeModelOptions)`.
Napi::Value network_cost_rows(const Napi::CallbackInfo& info);
/// `loadModel({ path })` and `inspect({ path })`.
Napi::Value load_model(const Napi::CallbackInfo& info);
/// `loadStateDict(NativeStateDictRequest)`, `loadTorchScript(NativeScriptRequest)`,
/// `functionModel(NativeFunctionRequest)` and `preprocessedModel(NativePreprocessedRequest)`: models that
/// users bring.
Napi::Value load_state_dict_model(const Napi::CallbackInfo& info);
Napi::Value load_script_model(const Napi::CallbackInfo& info);
Napi::Value function_model(const Napi::CallbackInfo& info);
Napi::Value preprocessed_model(const Napi::CallbackInfo& info);
Napi::Value inspect(const Napi::CallbackInfo& info);

}  // namespace selfgrad::addon
