#include "stability/stability.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <mutex>
#include <string>

#include "addon.h"
#include "dataset.h"
#include "job.h"
#include "model.h"
#include "runs.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

StabilityOptions stability_options(const Napi::Object& from) {
  StabilityOptions options;
  options.count = integer(from, "count");
  options.batch_size = integer(from, "batchSize");
  options.seed = static_cast<uint64_t>(integer(from, "seed"));
  options.threat = {norm(from, "norm"), number(from, "eps")};
  options.steps = integer(from, "steps");
  options.alpha = number(from, "alpha");
  options.iterations = integer(from, "iterations");
  options.random_points = integer(from, "randomPoints");
  options.multiples = numbers(from, "multiples");
  const Napi::Object certify = object(from, "certify");
  options.certify.count = integer(certify, "count");
  options.certify.bisections = integer(certify, "bisections");
  options.certify.refine = integer(certify, "refine");
  return options;
}

Napi::Object progress_object(Napi::Env env, const StabilityProgress& progress) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("type", progress.certifying ? "certify" : "diagnose");
  out.Set("done", static_cast<double>(progress.done));
  out.Set("count", static_cast<double>(progress.total));
  return out;
}

/// gradient_l1 -> gradientL1
std::string camel_case(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool start = i > 0 && name[i - 1] == '_';
    if (name[i] != '_')
      out += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(name[i]))) : name[i];
  }
  return out;
}

Napi::Object columns_object(Napi::Env env, const Columns& columns) {
  Napi::Object out = Napi::Object::New(env);
  for (const auto& [name, values] : columns) {
    const at::Tensor column = values.contiguous();
    const auto* data = column.const_data_ptr<double>();
    auto array = Napi::Float64Array::New(env, column.numel());
    std::copy(data, data + column.numel(), array.Data());
    out.Set(camel_case(name), array);
  }
  return out;
}

Napi::Object result_object(Napi::Env env, const StabilityResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("count", static_cast<double>(result.count));
  out.Set("images", columns_object(env, result.images));
  Napi::Array profiles = Napi::Array::New(env, result.profiles.size());
  for (uint32_t i = 0; i < result.profiles.size(); ++i) {
    Napi::Object profile = Napi::Object::New(env);
    profile.Set("direction", result.profiles[i].direction);
    profile.Set("loss", to_javascript(env, result.profiles[i].loss));
    profile.Set("accuracy", to_javascript(env, result.profiles[i].accuracy));
    profiles[i] = profile;
  }
  out.Set("profiles", profiles);
  out.Set("passes", to_javascript(env, result.passes));
  out.Set("seconds", result.seconds);
  return out;
}

}  // namespace

Napi::Value stability(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto given = info[0].As<Napi::Object>();
    const auto shared = ModelObject::get(given, "model");
    const auto data = DatasetObject::get(given, "data");
    const StabilityOptions options = stability_options(given);
    run = Job::start(
        info.Env(), "selfgrad.stability", static_cast<int>(integer(given, "threads")),
        info[1].As<Napi::Function>(), [shared, data, options](Job& job) -> Job::Make {
          const auto locks = lock_for_reading({shared});
          StabilityOptions with = options;
          with.device = shared->classifier->device();
          auto result = std::make_shared<StabilityResult>(selfgrad::stability(
              *shared->classifier, *data, with, job.stop_flag(), [&](const StabilityProgress& progress) {
                job.emit([progress](Napi::Env env) { return progress_object(env, progress); });
              }));
          return [result](Napi::Env env) { return result_object(env, *result); };
        });
  });
  return run;
}

}  // namespace selfgrad::addon
