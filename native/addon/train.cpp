#include <ATen/ops/tensor.h>

#include <memory>
#include <mutex>

#include "addon.h"
#include "dataset.h"
#include "job.h"
#include "model.h"
#include "runs.h"
#include "train/trainer.h"
#include "values.h"
#include "world.h"

namespace selfgrad::addon {
namespace {

StrategyOptions::Memory memory_by_name(const std::string& name) {
  using Memory = StrategyOptions::Memory;
  if (name == "example") return Memory::kExample;
  if (name == "class") return Memory::kClass;
  return name == "universal" ? Memory::kUniversal : Memory::kNone;
}

std::vector<FeatureTap> feature_taps(const Napi::Array& from) {
  std::vector<FeatureTap> taps;
  for (uint32_t i = 0; i < from.Length(); ++i) {
    const auto tap = from.Get(i).As<Napi::Object>();
    taps.push_back({.place = text(tap, "place"), .rho = number(tap, "rho")});
  }
  return taps;
}

StrategyOptions strategy_options(const Napi::Object& from) {
  StrategyOptions options;
  options.name = text(from, "name");
  if (from.Has("alpha")) options.alpha = number(from, "alpha");
  if (from.Has("steps")) options.steps = integer(from, "steps");
  if (from.Has("randomStart")) options.random_start = boolean(from, "randomStart");
  if (from.Has("beta")) options.beta = number(from, "beta");
  if (from.Has("lambda")) options.lambda = number(from, "lambda");
  if (from.Has("replays")) options.replays = integer(from, "replays");
  if (from.Has("resetEvery")) options.reset_every = integer(from, "resetEvery");
  if (from.Has("noise")) options.noise = number(from, "noise");
  if (from.Has("attackMode")) options.attack_in_eval = text(from, "attackMode") == "eval";
  if (options.name != "self-gradient") return options;
  options.memory = memory_by_name(text(from, "memory"));
  options.relay = integer(from, "relay");
  options.fresh_weight = number(from, "freshWeight");
  options.initial_noise = number(from, "initialNoise");
  options.momentum = number(from, "momentum");
  options.consistency = number(from, "consistency");
  options.refresh = number(from, "refresh");
  options.adaptive_step = boolean(from, "adaptiveStep");
  options.alarm = boolean(from, "alarm");
  options.features = feature_taps(from.Get("features").As<Napi::Array>());
  return options;
}

ScheduleOptions schedule_options(const Napi::Object& from) {
  ScheduleOptions options;
  const std::string name = text(from, "name");
  if (name == "one-cycle") {
    options.kind = ScheduleOptions::Kind::kOneCycle;
    options.warmup = number(from, "warmup");
    options.final_fraction = number(from, "finalFraction");
  } else if (name == "step") {
    options.kind = ScheduleOptions::Kind::kStep;
    options.milestones = numbers(from, "milestones");
    options.factor = number(from, "factor");
  } else {
    options.kind = ScheduleOptions::Kind::kConstant;
  }
  return options;
}

TrainOptions train_options(const Napi::Object& from) {
  TrainOptions options;
  options.seed = static_cast<uint64_t>(integer(from, "seed"));
  options.threat = {.norm = norm(from, "norm"), .eps = number(from, "eps")};
  options.strategy = strategy_options(object(from, "strategy"));
  options.epochs = number(from, "epochs");
  options.batch_size = integer(from, "batchSize");
  options.precision = precision(from, "precision");
  options.lr = number(from, "lr");
  options.momentum = number(from, "momentum");
  options.nesterov = boolean(from, "nesterov");
  options.weight_decay = number(from, "weightDecay");
  options.schedule = schedule_options(object(from, "schedule"));
  options.label_smoothing = number(from, "labelSmoothing");
  if (const std::vector<double> weights = numbers(from, "classWeights"); !weights.empty())
    options.class_weights = at::tensor(weights, at::kFloat);
  options.weight_perturbation = number(from, "weightPerturbation");
  options.average_decay = number(from, "averageDecay");
  options.augment = {.crop = integer(from, "crop"), .flip = boolean(from, "flip")};
  options.validate_every = integer(from, "validateEvery");
  options.validate_count = integer(from, "validateCount");
  options.validate_attack = attack_options(object(from, "validateAttack"));
  options.map_memory = boolean(from, "mapMemory");
  options.checkpoint_path = text(from, "checkpointPath");
  options.checkpoint_every = integer(from, "checkpointEvery");
  options.resume_path = text(from, "resumePath");
  for (const auto& [key, value] : metadata(from, "metadata"))
    options.metadata.emplace_back(key, value);
  options.world = WorldObject::get(from, "world");
  return options;
}

Napi::Object event_object(Napi::Env env, const TrainEvent& event) {
  using Kind = TrainEvent::Kind;
  Napi::Object out = Napi::Object::New(env);
  const auto count = [&](const char* key, int64_t value) { out.Set(key, static_cast<double>(value)); };
  count("step", event.step);
  switch (event.kind) {
    case Kind::kStart:
      out.Set("type", "start");
      out.Delete("step");
      count("resumedAtStep", event.step);
      count("steps", event.steps);
      count("stepsPerEpoch", event.steps_per_epoch);
      count("parameters", event.parameters);
      return out;
    case Kind::kStep:
      out.Set("type", "step");
      count("epoch", event.epoch);
      out.Set("loss", event.loss);
      out.Set("lr", event.lr);
      out.Set("imagesPerSecond", event.images_per_second);
      break;
    case Kind::kEpoch:
      out.Set("type", "epoch");
      count("epoch", event.epoch);
      out.Set("loss", event.loss);
      out.Set("accuracy", event.accuracy);
      out.Set("lr", event.lr);
      break;
    case Kind::kEval:
      out.Set("type", "eval");
      count("epoch", event.epoch);
      count("count", event.count);
      count("clean", event.clean);
      count("robust", event.robust);
      break;
    case Kind::kAlarm:
      out.Set("type", "alarm");
      out.Set("agreement", event.alarm.agreement);
      out.Set("usual", event.alarm.usual);
      count("remedySteps", event.alarm.remedy_steps);
      return out;
    case Kind::kCheckpoint:
      out.Set("type", "checkpoint");
      out.Set("path", event.path);
      return out;
  }
  out.Set("passes", to_javascript(env, event.passes));
  out.Set("seconds", event.seconds);
  return out;
}

Napi::Object result_object(Napi::Env env, const TrainResult& result) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("completed", result.completed);
  out.Set("step", static_cast<double>(result.step));
  out.Set("steps", static_cast<double>(result.steps));
  out.Set("passes", to_javascript(env, result.passes));
  out.Set("weightGradients", static_cast<double>(result.weight_gradients));
  out.Set("seconds", result.seconds);
  out.Set("imagesPerSecond", result.images_per_second);
  Napi::Object traffic = Napi::Object::New(env);
  traffic.Set("calls", static_cast<double>(result.traffic.calls));
  traffic.Set("bytes", static_cast<double>(result.traffic.bytes));
  traffic.Set("seconds", result.traffic.seconds);
  out.Set("traffic", traffic);
  return out;
}

}  // namespace

Napi::Value train(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto given = info[0].As<Napi::Object>();
    const auto shared = ModelObject::get(given, "model");
    const auto data = DatasetObject::get(given, "data");
    const auto validation = given.Get("validation").IsObject() ? DatasetObject::get(given, "validation")
                                                               : std::shared_ptr<Dataset>();
    run = Job::start(info.Env(), "selfgrad.train", static_cast<int>(integer(given, "threads")),
                     info[1].As<Napi::Function>(),
                     [shared, data, validation, given_options = train_options(given)](Job& job) -> Job::Make {
                       const auto lock = acquire<std::unique_lock>(*shared);
                       TrainOptions options = given_options;
                       options.device = shared->network().device();
                       Trainer trainer(shared->network(), *data, validation.get(), options);
                       const TrainResult result = trainer.run(job.stop_flag(), [&](const TrainEvent& event) {
                         job.emit([event](Napi::Env env) { return event_object(env, event); });
                       });
                       return [result](Napi::Env env) { return result_object(env, result); };
                     });
  });
  return run;
}

}  // namespace selfgrad::addon
