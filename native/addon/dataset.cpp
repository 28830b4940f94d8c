#include "dataset.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "addon.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

std::shared_ptr<Dataset> mapped(const Napi::Object& file, const ImageShape& shape, int64_t classes) {
  MappedImages images{
      static_cast<int>(integer(file, "descriptor")), integer(file, "offset"), integer(file, "rows"), {}};
  const auto labels = file.Get("labels").As<Napi::Int32Array>();
  if (const auto places = file.Get("places"); !places.IsNull()) {
    const auto rows = places.As<Napi::Int32Array>();
    images.places.assign(rows.Data(), rows.Data() + rows.ElementLength());
  }
  return std::make_shared<Dataset>(
      images, std::vector<int32_t>(labels.Data(), labels.Data() + labels.ElementLength()), shape, classes);
}

}  // namespace

Napi::Function DatasetObject::define(Napi::Env env) {
  return DefineClass(
      env, "Dataset",
      {InstanceMethod<&DatasetObject::append>("append"), InstanceMethod<&DatasetObject::images>("images"),
       InstanceMethod<&DatasetObject::statistics>("statistics"),
       InstanceMethod<&DatasetObject::dispose>("dispose")});
}

DatasetObject::DatasetObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    const auto options = info[0].As<Napi::Object>();
    const ImageShape shape{integer(options, "channels"), integer(options, "height"),
                           integer(options, "width")};
    const int64_t classes = integer(options, "classes");
    data_ = options.Has("file") ? mapped(object(options, "file"), shape, classes)
                                : std::make_shared<Dataset>(integer(options, "count"), shape, classes);
    for (const char* key : {"count", "channels", "height", "width", "classes"})
      Value().DefineProperty(Napi::PropertyDescriptor::Value(key, options.Get(key), napi_enumerable));
  });
}

std::shared_ptr<Dataset> DatasetObject::data(Napi::Env env) const {
  if (!data_) throw state(env).make_error(env, "ERR_OPTION", "Expected a data set but it was disposed.");
  return data_;
}

std::shared_ptr<Dataset> DatasetObject::get(const Napi::Object& from, const char* key) {
  return Unwrap(object(from, key))->data(from.Env());
}

Napi::Value DatasetObject::append(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto batch = info[0].As<Napi::Object>();
    const auto pixels = batch.Get("images").As<Napi::Uint8Array>();
    const auto labels = batch.Get("labels").As<Napi::Int32Array>();
    const auto data = this->data(info.Env());
    const auto n = static_cast<int64_t>(labels.ElementLength());
    if (static_cast<int64_t>(pixels.ElementLength()) != n * data->shape().size())
      throw Error("ERR_DATA", "Expected " + std::to_string(n * data->shape().size()) + " bytes for " +
                                  std::to_string(n) + " images but received " +
                                  std::to_string(pixels.ElementLength()) + ".");
    data->append(pixels.Data(), labels.Data(), n);
  });
  return info.Env().Undefined();
}

Napi::Value DatasetObject::images(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  guarded(info.Env(), [&] {
    const auto indices = info[0].As<Napi::Object>().Get("indices").As<Napi::Int32Array>();
    const auto data = this->data(info.Env());
    const int64_t size = data->shape().size();
    auto pixels = Napi::Uint8Array::New(info.Env(), indices.ElementLength() * size);
    auto labels = Napi::Int32Array::New(info.Env(), indices.ElementLength());
    for (size_t i = 0; i < indices.ElementLength(); ++i) {
      const int64_t index = indices.Data()[i];
      if (index < 0 || index >= data->filled())
        throw Error("ERR_OPTION", "Expected an index below " + std::to_string(data->filled()) +
                                      " but received " + std::to_string(index) + ".");
      std::memcpy(pixels.Data() + i * size, data->pixels(index), size);
      labels.Data()[i] = static_cast<int32_t>(data->label(index));
    }
    out.Set("images", pixels);
    out.Set("labels", labels);
  });
  return out;
}

Napi::Value DatasetObject::statistics(const Napi::CallbackInfo& info) {
  std::vector<double> mean;
  std::vector<double> std;
  data(info.Env())->statistics(mean, std);
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("mean", to_javascript(info.Env(), mean));
  out.Set("std", to_javascript(info.Env(), std));
  return out;
}

Napi::Value DatasetObject::dispose(const Napi::CallbackInfo& info) {
  data_.reset();
  return info.Env().Undefined();
}

}  // namespace selfgrad::addon
