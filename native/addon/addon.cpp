#include "addon.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include "dataset.h"
#include "job.h"
#include "model.h"
#include "runs.h"
#include "world.h"

namespace selfgrad::addon {

Addon& state(Napi::Env env) {
  return *env.GetInstanceData<Addon>();
}

Addon::Addon(Napi::Env env, Napi::Object exports) {
  const Napi::Function dataset_class = DatasetObject::define(env);
  const Napi::Function model_class = ModelObject::define(env);
  dataset = Napi::Persistent(dataset_class);
  model = Napi::Persistent(model_class);
  world = Napi::Persistent(WorldObject::define(env));
  DefineAddon(exports, {InstanceMethod("initialize", &Addon::initialize),
                        InstanceMethod("shutdown", &Addon::shutdown), InstanceMethod("info", &Addon::info)});
  exports.Set("Dataset", dataset_class);
  exports.Set("Model", model_class);
  exports.Set("networkCosts", Napi::Function::New<network_cost_rows>(env, "networkCosts"));
  exports.Set("loadModel", Napi::Function::New<load_model>(env, "loadModel"));
  exports.Set("loadStateDict", Napi::Function::New<load_state_dict_model>(env, "loadStateDict"));
  exports.Set("loadTorchScript", Napi::Function::New<load_script_model>(env, "loadTorchScript"));
  exports.Set("functionModel", Napi::Function::New<function_model>(env, "functionModel"));
  exports.Set("preprocessedModel", Napi::Function::New<preprocessed_model>(env, "preprocessedModel"));
  exports.Set("inspect", Napi::Function::New<inspect>(env, "inspect"));
  exports.Set("joinWorld", Napi::Function::New<join_world>(env, "joinWorld"));
  exports.Set("openCuda", Napi::Function::New<open_cuda>(env, "openCuda"));
  exports.Set("train", Napi::Function::New<train>(env, "train"));
  exports.Set("evaluate", Napi::Function::New<evaluate>(env, "evaluate"));
  exports.Set("stability", Napi::Function::New<stability>(env, "stability"));
  exports.Set("attack", Napi::Function::New<attack>(env, "attack"));
  // A worker that is terminated runs no `exit` listener: its threads are joined here.
  env.AddCleanupHook([this] { stop_jobs(); });
}

Napi::Error Addon::make_error(Napi::Env env, const std::string& code, const std::string& sentence) {
  if (error_class_.IsEmpty()) {
    Napi::Error error = Napi::Error::New(env, sentence);
    error.Set("code", Napi::String::New(env, code));
    return error;
  }
  const Napi::Object error =
      error_class_.New({Napi::String::New(env, code), Napi::String::New(env, sentence)}).As<Napi::Object>();
  return Napi::Error(env, error);
}

uint64_t Addon::keep_thrown(const Napi::Object& error) {
  thrown_.emplace(next_thrown_, Napi::Persistent(error));
  return next_thrown_++;
}

Napi::Value Addon::take_thrown(uint64_t place) {
  const auto kept = thrown_.extract(place);
  return kept.mapped().Value();
}

Napi::Value Addon::initialize(const Napi::CallbackInfo& info) {
  error_class_ = Napi::Persistent(info[0].As<Napi::Object>().Get("SelfgradError").As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value Addon::shutdown(const Napi::CallbackInfo& info) {
  stop_jobs();
  return info.Env().Undefined();
}

Napi::Value Addon::info(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("libtorch", TORCH_VERSION);
  out.Set("builtFor", SELFGRAD_LIBTORCH_VERSION);
  out.Set("threads", at::get_num_threads());
  out.Set("cpuCapability", at::get_cpu_capability());
  return out;
}

void Addon::stop_jobs() {
  for (const auto& job : jobs_)
    job->stop();
  for (const auto& job : jobs_)
    job->join();
}

}  // namespace selfgrad::addon

// The macro pastes the name into others: it must be one word.
using SelfgradAddon = selfgrad::addon::Addon;
NODE_API_NAMED_ADDON(selfgrad_core, SelfgradAddon)
