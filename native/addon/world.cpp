#include "world.h"

#include <string>
#include <utility>
#include <vector>

#include "addon.h"
#include "job.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

// Waiting for others computes nothing.
constexpr int kThreads = 1;

}  // namespace

Napi::Function WorldObject::define(Napi::Env env) {
  return DefineClass(
      env, "World",
      {InstanceMethod<&WorldObject::texts>("texts"), InstanceMethod<&WorldObject::dispose>("dispose")});
}

WorldObject::WorldObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info), world_(*info[0].As<Napi::External<WorldPtr>>().Data()) {}

WorldPtr WorldObject::get(const Napi::Object& from, const char* key) {
  if (!from.Get(key).IsObject()) return c10::make_intrusive<World>();
  return Unwrap(object(from, key))->world_;
}

Napi::Value WorldObject::texts(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    run = Job::start(info.Env(), "selfgrad.world", kThreads,
                     [world = world_, text = info[0].As<Napi::String>().Utf8Value()](Job&) -> Job::Make {
                       return [texts = world->texts(text)](Napi::Env env) {
                         Napi::Array out = Napi::Array::New(env, texts.size());
                         for (uint32_t i = 0; i < texts.size(); ++i)
                           out[i] = Napi::String::New(env, texts[i]);
                         return out;
                       };
                     });
  });
  return run;
}

Napi::Value WorldObject::dispose(const Napi::CallbackInfo& info) {
  world_.reset();
  return info.Env().Undefined();
}

Napi::Value join_world(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto given = info[0].As<Napi::Object>();
    WorldOptions options{.rank = integer(given, "rank"),
                         .size = integer(given, "size"),
                         .host = text(given, "host"),
                         .port = integer(given, "port"),
                         .serves = boolean(given, "serves"),
                         .address = text(given, "address"),
                         .network = text(given, "network"),
                         .attempt = text(given, "attempt"),
                         .timeout = number(given, "timeoutMs") / 1000};
    run = Job::start(info.Env(), "selfgrad.world", kThreads,
                     [options = std::move(options)](Job& job) -> Job::Make {
                       return [world = c10::make_intrusive<World>(options, job.stop_flag())](Napi::Env env) {
                         WorldPtr shared = world;
                         return state(env).world.New({Napi::External<WorldPtr>::New(env, &shared)});
                       };
                     });
  });
  return run;
}

}  // namespace selfgrad::addon
