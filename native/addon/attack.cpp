#include <ATen/ops/empty.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "addon.h"
#include "attack_list.h"
#include "evaluate/attack_images.h"
#include "job.h"
#include "model.h"
#include "runs.h"
#include "tensor/upload.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

at::Tensor label_tensor(const Napi::Object& from, int64_t count, int64_t classes) {
  const auto array = from.Get("labels").As<Napi::Int32Array>();
  if (static_cast<int64_t>(array.ElementLength()) != count)
    throw Error("ERR_OPTION", "Expected " + std::to_string(count) + " labels, one an image, but received " +
                                  std::to_string(array.ElementLength()) + ".");
  const int32_t* given = array.Data();
  at::Tensor labels = at::empty({count}, at::kLong);
  auto* out = labels.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    if (given[i] < 0 || given[i] >= classes)
      throw Error("ERR_LABEL", "Label " + std::to_string(given[i]) + " at index " + std::to_string(i) +
                                   " is outside 0…" + std::to_string(classes - 1) + " (" +
                                   std::to_string(classes) + " classes).");
    out[i] = given[i];
  }
  return labels;
}

Napi::Object result_object(Napi::Env env, const AttackedImages& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("adversarial", float_array(env, result.adversarial));
  const int64_t count = result.success.size(0);
  auto success = Napi::Uint8Array::New(env, count);
  auto predictions = Napi::Int32Array::New(env, count);
  for (int64_t i = 0; i < count; ++i) {
    success.Data()[i] = result.success[i].item<bool>() ? 1 : 0;
    predictions.Data()[i] = static_cast<int32_t>(result.predictions[i].item<int64_t>());
  }
  out.Set("success", success);
  out.Set("predictions", predictions);
  out.Set("passes", to_javascript(env, result.passes));
  out.Set("sourcePasses", to_javascript(env, result.source_passes));
  return out;
}

}  // namespace

Napi::Value attack(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto given = info[0].As<Napi::Object>();
    const auto shared = ModelObject::get(given, "model");
    const at::Tensor images = image_tensor(given, "images", shared->classifier->shape());
    const at::Tensor labels = label_tensor(given, images.size(0), shared->classifier->classes());
    run =
        Job::start(info.Env(), "selfgrad.attack", static_cast<int>(integer(given, "threads")),
                   [shared, images, labels, attacks = AttackList::from(given, "attacks"),
                    seed = static_cast<uint64_t>(integer(given, "seed")),
                    batch = integer(given, "batchSize")](Job& job) -> Job::Make {
                     AttackList list = attacks;
                     const auto locks = list.open(shared, job.stop_flag());
                     const AttackedImages result = attack_images(
                         [&](const at::Tensor& x) { return shared->classifier->logits(x, job.stop_flag()); },
                         upload(images, shared->classifier->device()), labels, list.attacks, seed, batch,
                         job.stop_flag());
                     return [result](Napi::Env env) { return result_object(env, result); };
                   });
  });
  return run;
}

}  // namespace selfgrad::addon
