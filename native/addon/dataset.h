// `Dataset` in JavaScript: a data set that jobs share, in memory or mapped.
#pragma once

#include <napi.h>

#include <memory>

#include "data/dataset.h"

namespace selfgrad::addon {

class DatasetObject : public Napi::ObjectWrap<DatasetObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DatasetObject(const Napi::CallbackInfo& info);

  /// The data set of the JavaScript object under `key`. @throws a JavaScript error when it was disposed.
  static std::shared_ptr<Dataset> get(const Napi::Object& from, const char* key);

 private:
  std::shared_ptr<Dataset> data(Napi::Env env) const;
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value images(const Napi::CallbackInfo& info);
  Napi::Value statistics(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Dataset> data_;
};

}  // namespace selfgrad::addon
