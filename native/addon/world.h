// `World` in JavaScript: the ranks of a run, which jobs share.
#pragma once

#include <napi.h>

#include "distributed/world.h"

namespace selfgrad::addon {

class WorldObject : public Napi::ObjectWrap<WorldObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit WorldObject(const Napi::CallbackInfo& info);

  /// The world of the JavaScript object under `key`; this process alone where that is null.
  static WorldPtr get(const Napi::Object& from, const char* key);

 private:
  Napi::Value texts(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  WorldPtr world_;
};

/// `joinWorld(options)`: NativeWorldOptions -> NativeRun<NativeWorld>.
Napi::Value join_world(const Napi::CallbackInfo& info);

}  // namespace selfgrad::addon
