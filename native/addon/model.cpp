#include "model.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "addon.h"
#include "job.h"
#include "nn/model_file.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

NetworkOptions network_options_from(const Napi::Object& from) {
  NetworkOptions options;
  options.architecture = text(from, "architecture");
  options.shape = {integer(from, "channels"), integer(from, "height"), integer(from, "width")};
  options.classes = integer(from, "classes");
  for (const double depth : numbers(from, "depths"))
    options.depths.push_back(static_cast<int64_t>(depth));
  options.width = integer(from, "baseWidth");
  options.activation = text(from, "activation");
  options.taps = texts(from, "taps");
  options.mean = numbers(from, "mean");
  options.std = numbers(from, "std");
  options.seed = static_cast<uint64_t>(integer(from, "seed"));
  return options;
}

template <typename Item>
Napi::Array array_of(Napi::Env env, const std::vector<Item>& items) {
  Napi::Array out = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); ++i) {
    if constexpr (std::is_arithmetic_v<Item>)
      out[i] = static_cast<double>(items[i]);
    else
      out[i] = items[i];
  }
  return out;
}

Napi::Object shaped_array(Napi::Env env, const at::Tensor& tensor) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("shape", array_of(env, tensor.sizes().vec()));
  out.Set("values", float_array(env, tensor));
  return out;
}

/// As NativeLayer: the fields that a layer of its kind has.
Napi::Object to_javascript(Napi::Env env, const Layer& layer) {
  Napi::Object out = Napi::Object::New(env);
  const auto kind = [&](const char* name) { out.Set("kind", name); };
  switch (layer.kind) {
    case Layer::Kind::kInput:
      kind("input");
      return out;
    case Layer::Kind::kConv:
      kind("conv");
      out.Set("stride", static_cast<double>(layer.stride));
      out.Set("padding", static_cast<double>(layer.padding));
      break;
    case Layer::Kind::kLinear:
      kind("linear");
      break;
    case Layer::Kind::kScale:
      kind("scale");
      break;
    case Layer::Kind::kActivation:
      kind(layer.activation == Activation::kRelu ? "relu" : "silu");
      break;
    case Layer::Kind::kAdd:
      kind("add");
      out.Set("other", static_cast<double>(layer.other));
      break;
    case Layer::Kind::kMean:
      kind("mean");
      break;
  }
  out.Set("input", static_cast<double>(layer.input));
  if (layer.weight.defined()) {
    out.Set("weight", shaped_array(env, layer.weight));
    out.Set("bias", shaped_array(env, layer.bias));
  }
  return out;
}

}  // namespace

Napi::Function ModelObject::define(Napi::Env env) {
  return DefineClass(
      env, "Model",
      {InstanceAccessor<&ModelObject::options>("options", napi_enumerable),
       InstanceAccessor<&ModelObject::parameter_count>("parameterCount", napi_enumerable),
       InstanceAccessor<&ModelObject::flops>("flops", napi_enumerable),
       InstanceMethod<&ModelObject::tensors>("tensors"), InstanceMethod<&ModelObject::layers>("layers"),
       InstanceMethod<&ModelObject::predict>("predict"), InstanceMethod<&ModelObject::save>("save"),
       InstanceMethod<&ModelObject::dispose>("dispose")});
}

ModelObject::ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    shared_ = std::make_shared<SharedNetwork>();
    if (info[0].IsExternal()) {
      shared_->network = std::move(*info[0].As<Napi::External<std::shared_ptr<Network>>>().Data());
    } else {
      shared_->network = make_network(network_options_from(info[0].As<Napi::Object>()));
    }
    // At rest a network is in evaluation mode; training switches for its own time.
    shared_->network->eval();
  });
}

std::shared_ptr<SharedNetwork> ModelObject::shared(Napi::Env env) const {
  if (!shared_) throw state(env).make_error(env, "ERR_OPTION", "Expected a model but it was disposed.");
  return shared_;
}

std::shared_ptr<SharedNetwork> ModelObject::get(const Napi::Object& from, const char* key) {
  return Unwrap(object(from, key))->shared(from.Env());
}

Napi::Object ModelObject::wrap(Napi::Env env, std::shared_ptr<Network> network) {
  return state(env).model.New({Napi::External<std::shared_ptr<Network>>::New(env, &network)});
}

Napi::Value ModelObject::options(const Napi::CallbackInfo& info) {
  const NetworkOptions& given = shared(info.Env())->network->options();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("architecture", given.architecture);
  out.Set("channels", static_cast<double>(given.shape.channels));
  out.Set("height", static_cast<double>(given.shape.height));
  out.Set("width", static_cast<double>(given.shape.width));
  out.Set("classes", static_cast<double>(given.classes));
  out.Set("depths", array_of(info.Env(), given.depths));
  out.Set("baseWidth", static_cast<double>(given.width));
  out.Set("activation", given.activation);
  out.Set("taps", array_of(info.Env(), given.taps));
  out.Set("mean", array_of(info.Env(), given.mean));
  out.Set("std", array_of(info.Env(), given.std));
  out.Set("seed", static_cast<double>(given.seed));
  return out;
}

Napi::Value ModelObject::parameter_count(const Napi::CallbackInfo& info) {
  int64_t count = 0;
  for (const auto& parameter : shared(info.Env())->network->parameters())
    count += parameter.numel();
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

Napi::Value ModelObject::flops(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(shared(info.Env())->network->flops()));
}

Napi::Value ModelObject::tensors(const Napi::CallbackInfo& info) {
  const auto state = shared(info.Env())->network->state();
  Napi::Array out = Napi::Array::New(info.Env(), state.size());
  for (uint32_t i = 0; i < state.size(); ++i) {
    Napi::Object item = Napi::Object::New(info.Env());
    item.Set("name", state[i].first);
    item.Set("shape", array_of(info.Env(), state[i].second.sizes().vec()));
    out[i] = item;
  }
  return out;
}

Napi::Value ModelObject::layers(const Napi::CallbackInfo& info) {
  Napi::Array out = Napi::Array::New(info.Env());
  guarded(info.Env(), [&] {
    const auto shared = this->shared(info.Env());
    const auto lock = acquire<std::shared_lock>(*shared);
    const LayerGraph graph = shared->network->layer_graph();
    for (uint32_t i = 0; i < graph.layers().size(); ++i)
      out[i] = to_javascript(info.Env(), graph.layers()[i]);
  });
  return out;
}

Napi::Value ModelObject::predict(const Napi::CallbackInfo& info) {
  Napi::Value promise;
  guarded(info.Env(), [&] {
    const auto request = info[0].As<Napi::Object>();
    const auto shared = this->shared(info.Env());
    const ImageShape shape = shared->network->options().shape;
    const at::Tensor images = image_tensor(request, "images", shape.channels, shape.height, shape.width);
    const int64_t batch = std::max<int64_t>(1, integer(request, "batchSize"));
    const auto ignore_events = Napi::Function::New(info.Env(), [](const Napi::CallbackInfo&) {});
    promise = Job::start(info.Env(), "selfgrad.predict", static_cast<int>(integer(request, "threads")),
                         ignore_events,
                         [shared, images, batch](Job& job) -> Job::Make {
                           const auto lock = acquire<std::shared_lock>(*shared);
                           const at::NoGradGuard no_grad;
                           std::vector<at::Tensor> logits;
                           for (int64_t i = 0; i < images.size(0); i += batch) {
                             if (job.stop_flag()) throw Cancelled();
                             logits.push_back(shared->network->forward(
                                 images.slice(0, i, std::min(i + batch, images.size(0)))));
                           }
                           return [all = at::cat(logits)](Napi::Env env) { return float_array(env, all); };
                         })
                  .Get("promise");
  });
  return promise;
}

Napi::Value ModelObject::save(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto request = info[0].As<Napi::Object>();
    const auto shared = this->shared(info.Env());
    const auto lock = acquire<std::shared_lock>(*shared);
    save_network(text(request, "path"), *shared->network, metadata(request, "metadata"));
  });
  return info.Env().Undefined();
}

Napi::Value ModelObject::dispose(const Napi::CallbackInfo& info) {
  shared_.reset();
  return info.Env().Undefined();
}

Napi::Value load_model(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  std::shared_ptr<Network> network;
  guarded(info.Env(), [&] {
    const std::string path = text(info[0].As<Napi::Object>(), "path");
    const TensorFile file = read_safetensors(path);
    network = load_network(file, path);
    out.Set("metadata", to_javascript(info.Env(), file.metadata));
  });
  out.Set("model", ModelObject::wrap(info.Env(), network));
  return out;
}

Napi::Value inspect(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  guarded(info.Env(), [&] {
    const TensorFileHeader header = read_safetensors_header(text(info[0].As<Napi::Object>(), "path"));
    out.Set("metadata", to_javascript(info.Env(), header.metadata));
    Napi::Array tensors = Napi::Array::New(info.Env(), header.tensors.size());
    for (uint32_t i = 0; i < header.tensors.size(); ++i) {
      Napi::Object item = Napi::Object::New(info.Env());
      item.Set("name", header.tensors[i].name);
      item.Set("dtype", header.tensors[i].dtype);
      item.Set("shape", array_of(info.Env(), header.tensors[i].shape));
      tensors[i] = item;
    }
    out.Set("tensors", tensors);
  });
  return out;
}

}  // namespace selfgrad::addon
