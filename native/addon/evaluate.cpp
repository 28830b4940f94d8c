#include <memory>
#include <mutex>

#include "addon.h"
#include "attack_list.h"
#include "dataset.h"
#include "evaluate/evaluator.h"
#include "evaluate/saved_images.h"
#include "job.h"
#include "model.h"
#include "runs.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

Napi::Object progress_object(Napi::Env env, const EvaluateProgress& progress) {
  using Kind = EvaluateProgress::Kind;
  Napi::Object out = Napi::Object::New(env);
  if (progress.kind == Kind::kClean) {
    out.Set("type", "clean");
    out.Set("done", static_cast<double>(progress.done));
    out.Set("correct", static_cast<double>(progress.correct));
    out.Set("count", static_cast<double>(progress.total));
    return out;
  }
  out.Set("attack", static_cast<double>(progress.attack));
  out.Set("name", progress.name);
  out.Set("broken", static_cast<double>(progress.broken));
  if (progress.kind == Kind::kAttack) {
    out.Set("type", "attack");
    out.Set("done", static_cast<double>(progress.done));
    out.Set("total", static_cast<double>(progress.total));
  } else {
    out.Set("type", "attack-end");
    out.Set("robust", static_cast<double>(progress.correct));
  }
  return out;
}

Napi::Object outcome_object(Napi::Env env, const AttackOutcome& outcome) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", outcome.name);
  out.Set("robust", static_cast<double>(outcome.robust));
  out.Set("attacked", static_cast<double>(outcome.attacked));
  out.Set("broken", static_cast<double>(outcome.broken));
  out.Set("passes", to_javascript(env, outcome.passes));
  out.Set("sourcePasses", to_javascript(env, outcome.source_passes));
  out.Set("seconds", outcome.seconds);
  out.Set("distances", to_javascript(env, outcome.distances));
  return out;
}

Napi::Object example_object(Napi::Env env, const Example& example) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("index", static_cast<double>(example.index));
  out.Set("label", static_cast<double>(example.label));
  out.Set("cleanPrediction", static_cast<double>(example.clean_prediction));
  out.Set("adversarialPrediction", static_cast<double>(example.adversarial_prediction));
  out.Set("cleanConfidence", example.clean_confidence);
  out.Set("adversarialConfidence", example.adversarial_confidence);
  out.Set("attack", static_cast<double>(example.attack));
  out.Set("image", float_array(env, example.image));
  out.Set("adversarial", float_array(env, example.adversarial));
  out.Set("gradient", example.gradient.defined() ? float_array(env, example.gradient) : env.Null());
  return out;
}

Napi::Object result_object(Napi::Env env, const EvaluateResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("count", static_cast<double>(result.count));
  out.Set("clean", static_cast<double>(result.clean));
  out.Set("robust", static_cast<double>(result.robust));
  Napi::Array attacks = Napi::Array::New(env, result.attacks.size());
  for (uint32_t i = 0; i < result.attacks.size(); ++i)
    attacks[i] = outcome_object(env, result.attacks[i]);
  out.Set("attacks", attacks);
  out.Set("brokenBy", int_array(env, result.broken_by));
  out.Set("predictions", int_array(env, result.predictions));
  out.Set("steps", int_array(env, result.steps));
  out.Set("margins", to_javascript(env, result.margins));
  out.Set("labels", int_array(env, result.labels));
  out.Set("passes", to_javascript(env, result.passes));
  out.Set("seconds", result.seconds);
  Napi::Array examples = Napi::Array::New(env, result.examples.size());
  for (uint32_t i = 0; i < result.examples.size(); ++i)
    examples[i] = example_object(env, result.examples[i]);
  out.Set("examples", examples);
  if (result.adversarial.defined()) out.Set("adversarial", float_array(env, result.adversarial));
  return out;
}

}  // namespace

Napi::Value evaluate(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto given = info[0].As<Napi::Object>();
    const auto shared = ModelObject::get(given, "model");
    const auto data = DatasetObject::get(given, "data");
    EvaluateOptions options;
    options.first = integer(given, "first");
    options.count = integer(given, "count");
    options.batch_size = integer(given, "batchSize");
    options.seed = static_cast<uint64_t>(integer(given, "seed"));
    const auto cascade = given.Get("cascade").As<Napi::Array>();
    for (uint32_t i = 0; i < cascade.Length(); ++i)
      options.cascade.push_back(Napi::Value(cascade[i]).As<Napi::Boolean>());
    options.examples = integer(given, "examples");
    const auto attacks = AttackList::from(given, "attacks");
    const std::string images = text(given, "images");
    const Metadata about = metadata(given, "imagesMetadata");
    options.keep_images = !images.empty();
    run = Job::start(
        info.Env(), "selfgrad.evaluate", static_cast<int>(integer(given, "threads")),
        info[1].As<Napi::Function>(), [shared, data, options, attacks, images, about](Job& job) -> Job::Make {
          AttackList list = attacks;
          const auto locks = list.open(shared, job.stop_flag());
          EvaluateOptions with = options;
          with.attacks = list.attacks;
          with.device = shared->classifier->device();
          with.repeats = shared->classifier->repeats();
          with.windows = [&] { return shared->classifier->window_forward(); };
          auto result = std::make_shared<EvaluateResult>(selfgrad::evaluate(
              [&](const at::Tensor& x) { return shared->classifier->logits(x, job.stop_flag()); }, *data,
              with, job.stop_flag(),
              [&](const EvaluateProgress& progress) {
                job.emit([progress](Napi::Env env) { return progress_object(env, progress); });
              }));
          if (with.keep_images) save_images(images, about, *data, with.first, *result);
          return [result](Napi::Env env) { return result_object(env, *result); };
        });
  });
  return run;
}

}  // namespace selfgrad::addon
