#include "model.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "addon.h"
#include "function_model.h"
#include "job.h"
#include "nn/model_file.h"
#include "nn/script_network.h"
#include "nn/state_dict.h"
#include "preprocessed_model.h"
#include "tensor/upload.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

ImageShape shape_from(const Napi::Object& from) {
  return {integer(from, "channels"), integer(from, "height"), integer(from, "width")};
}

NetworkOptions network_options_from(const Napi::Object& from) {
  NetworkOptions options;
  options.architecture = text(from, "architecture");
  options.shape = shape_from(from);
  options.classes = integer(from, "classes");
  for (const double depth : numbers(from, "depths"))
    options.depths.push_back(static_cast<int64_t>(depth));
  options.width = integer(from, "baseWidth");
  options.activation = text(from, "activation");
  options.taps = texts(from, "taps");
  options.mean = numbers(from, "mean");
  options.std = numbers(from, "std");
  options.seed = static_cast<uint64_t>(integer(from, "seed"));
  options.layers = parse_layers(text(from, "layers"));
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
Napi::Object layer_object(Napi::Env env, const Layer& layer) {
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
      out.Set("groups", static_cast<double>(layer.groups));
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
    case Layer::Kind::kMaxPool:
    case Layer::Kind::kAveragePool:
      kind(layer.kind == Layer::Kind::kMaxPool ? "max-pool" : "average-pool");
      out.Set("kernel", static_cast<double>(layer.kernel));
      out.Set("stride", static_cast<double>(layer.stride));
      out.Set("padding", static_cast<double>(layer.padding));
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

/// As NativeLayerCost[].
Napi::Array cost_array(Napi::Env env, const std::vector<LayerCost>& costs) {
  Napi::Array out = Napi::Array::New(env, costs.size());
  for (uint32_t i = 0; i < costs.size(); ++i) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", costs[i].name);
    row.Set("kind", costs[i].kind);
    row.Set("shape", array_of(env, costs[i].shape));
    row.Set("parameters", static_cast<double>(costs[i].parameters));
    row.Set("multiplyAdds", static_cast<double>(costs[i].multiply_adds));
    out[i] = row;
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
       InstanceAccessor<&ModelObject::costs>("costs", napi_enumerable),
       InstanceAccessor<&ModelObject::device>("device", napi_enumerable),
       InstanceMethod<&ModelObject::to>("to"), InstanceMethod<&ModelObject::tensors>("tensors"),
       InstanceMethod<&ModelObject::layers>("layers"), InstanceMethod<&ModelObject::predict>("predict"),
       InstanceMethod<&ModelObject::save>("save"), InstanceMethod<&ModelObject::dispose>("dispose")});
}

Network& SharedModel::network() const {
  if (auto* network = dynamic_cast<Network*>(classifier.get())) return *network;
  throw Error("ERR_OPTION",
              "Expected a network of selfgrad but received a model of another kind. It can be evaluated, not "
              "trained or saved.");
}

ReadLocks lock_for_reading(const std::vector<std::shared_ptr<SharedModel>>& models) {
  std::set<SharedModel*> each;
  for (const auto& model : models) {
    SharedModel* behind = model.get();
    while (behind != nullptr && each.insert(behind).second) {
      const auto* front = dynamic_cast<const PreprocessedModel*>(behind->classifier.get());
      behind = front == nullptr ? nullptr : front->model().get();
    }
  }
  ReadLocks locks;
  for (SharedModel* model : each)
    locks.push_back(acquire<std::shared_lock>(*model));
  return locks;
}

ModelObject::ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    shared_ = std::make_shared<SharedModel>();
    if (info[0].IsExternal()) {
      shared_->classifier = std::move(*info[0].As<Napi::External<std::shared_ptr<Classifier>>>().Data());
      return;
    }
    auto network = make_network(network_options_from(info[0].As<Napi::Object>()));
    // At rest a network is in evaluation mode; training switches for its own time.
    network->eval();
    shared_->classifier = std::move(network);
  });
}

std::shared_ptr<SharedModel> ModelObject::shared(Napi::Env env) const {
  if (!shared_) throw state(env).make_error(env, "ERR_OPTION", "Expected a model but it was disposed.");
  return shared_;
}

std::shared_ptr<SharedModel> ModelObject::get(const Napi::Object& from, const char* key) {
  return Unwrap(object(from, key))->shared(from.Env());
}

Napi::Object ModelObject::wrap(Napi::Env env, std::shared_ptr<Classifier> classifier) {
  return state(env).model.New({Napi::External<std::shared_ptr<Classifier>>::New(env, &classifier)});
}

Napi::Value ModelObject::options(const Napi::CallbackInfo& info) {
  const auto model = shared(info.Env())->classifier;
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("channels", static_cast<double>(model->shape().channels));
  out.Set("height", static_cast<double>(model->shape().height));
  out.Set("width", static_cast<double>(model->shape().width));
  out.Set("classes", static_cast<double>(model->classes()));
  const auto* network = dynamic_cast<const Network*>(model.get());
  if (network == nullptr) return out;
  const NetworkOptions& given = network->options();
  out.Set("architecture", given.architecture);
  out.Set("depths", array_of(info.Env(), given.depths));
  out.Set("baseWidth", static_cast<double>(given.width));
  out.Set("activation", given.activation);
  out.Set("taps", array_of(info.Env(), given.taps));
  out.Set("mean", array_of(info.Env(), given.mean));
  out.Set("std", array_of(info.Env(), given.std));
  out.Set("seed", static_cast<double>(given.seed));
  out.Set("layers", layers_text(given.layers));
  return out;
}

Napi::Value ModelObject::parameter_count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           static_cast<double>(shared(info.Env())->classifier->parameter_count()));
}

Napi::Value ModelObject::flops(const Napi::CallbackInfo& info) {
  const auto model = shared(info.Env());
  Napi::Value flops;
  guarded(info.Env(),
          [&] { flops = Napi::Number::New(info.Env(), static_cast<double>(model->network().flops())); });
  return flops;
}

Napi::Value ModelObject::costs(const Napi::CallbackInfo& info) {
  const auto model = shared(info.Env());
  Napi::Value costs;
  guarded(info.Env(), [&] { costs = cost_array(info.Env(), model->network().costs()); });
  return costs;
}

Napi::Value ModelObject::device(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), shared(info.Env())->classifier->device().str());
}

Napi::Value ModelObject::to(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto shared = this->shared(info.Env());
    const at::Device device(text(info[0].As<Napi::Object>(), "device"));
    if (shared->classifier->device() == device) return;
    const auto lock = acquire<std::unique_lock>(*shared);
    shared->classifier->move_to(device);
  });
  return info.Env().Undefined();
}

Napi::Value ModelObject::tensors(const Napi::CallbackInfo& info) {
  Napi::Array out = Napi::Array::New(info.Env());
  const auto model = shared(info.Env());
  guarded(info.Env(), [&] {
    for (const auto& [name, tensor] : model->network().state()) {
      Napi::Object item = Napi::Object::New(info.Env());
      item.Set("name", name);
      item.Set("shape", array_of(info.Env(), tensor.sizes().vec()));
      out[out.Length()] = item;
    }
  });
  return out;
}

Napi::Value ModelObject::layers(const Napi::CallbackInfo& info) {
  Napi::Array out = Napi::Array::New(info.Env());
  guarded(info.Env(), [&] {
    const auto shared = this->shared(info.Env());
    const auto lock = acquire<std::shared_lock>(*shared);
    const LayerGraph graph = shared->classifier->layer_graph();
    for (uint32_t i = 0; i < graph.layers().size(); ++i)
      out[i] = layer_object(info.Env(), graph.layers()[i]);
  });
  return out;
}

Napi::Value ModelObject::predict(const Napi::CallbackInfo& info) {
  Napi::Value run;
  guarded(info.Env(), [&] {
    const auto request = info[0].As<Napi::Object>();
    const auto shared = this->shared(info.Env());
    const at::Tensor images = image_tensor(request, "images", shared->classifier->shape());
    const int64_t batch = std::max<int64_t>(1, integer(request, "batchSize"));
    run = Job::start(
        info.Env(), "selfgrad.predict", static_cast<int>(integer(request, "threads")),
        [shared, images, batch](Job& job) -> Job::Make {
          const auto locks = lock_for_reading({shared});
          const at::NoGradGuard no_grad;
          std::vector<at::Tensor> logits;
          for (int64_t i = 0; i < images.size(0); i += batch) {
            if (job.stop_flag()) throw Cancelled();
            const at::Tensor some = images.slice(0, i, std::min(i + batch, images.size(0)));
            logits.push_back(
                shared->classifier->logits(upload(some, shared->classifier->device()), job.stop_flag())
                    .cpu());
          }
          return [all = at::cat(logits)](Napi::Env env) { return float_array(env, all); };
        });
  });
  return run;
}

Napi::Value ModelObject::save(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto request = info[0].As<Napi::Object>();
    const auto shared = this->shared(info.Env());
    const auto lock = acquire<std::shared_lock>(*shared);
    save_network(text(request, "path"), shared->network(), metadata(request, "metadata"));
  });
  return info.Env().Undefined();
}

Napi::Value ModelObject::dispose(const Napi::CallbackInfo& info) {
  shared_.reset();
  return info.Env().Undefined();
}

Napi::Value network_cost_rows(const Napi::CallbackInfo& info) {
  Napi::Value rows;
  guarded(info.Env(), [&] {
    rows = cost_array(info.Env(), network_costs(network_options_from(info[0].As<Napi::Object>())));
  });
  return rows;
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

Napi::Value load_state_dict_model(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  std::shared_ptr<Classifier> network;
  guarded(info.Env(), [&] {
    const std::string path = text(request, "path");
    network = load_state_dict(read_safetensors(path), network_options_from(request), path);
  });
  return ModelObject::wrap(info.Env(), network);
}

Napi::Value load_script_model(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  std::shared_ptr<Classifier> script;
  guarded(info.Env(), [&] {
    script = load_script(text(request, "path"),
                         {shape_from(request), numbers(request, "mean"), numbers(request, "std")});
  });
  return ModelObject::wrap(info.Env(), script);
}

Napi::Value function_model(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  return ModelObject::wrap(info.Env(),
                           make_function_model(info.Env(), request.Get("ask").As<Napi::Function>(),
                                               shape_from(request), integer(request, "classes")));
}

Napi::Value preprocessed_model(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  return ModelObject::wrap(
      info.Env(), std::make_shared<PreprocessedModel>(info.Env(), request.Get("ask").As<Napi::Function>(),
                                                      ModelObject::get(request, "model")));
}

Napi::Value inspect(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  guarded(info.Env(), [&] {
    const std::string path = text(info[0].As<Napi::Object>(), "path");
    const TensorFileHeader header = read_safetensors_header(path);
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
    out.Set("layers", info.Env().Null());
    if (!header.metadata.contains("model.architecture")) return;
    try {
      out.Set("layers", cost_array(info.Env(), described_costs(header, path)));
    } catch (const Error& error) {
      // What the file holds is shown whether or not a network can be made of it.
      out.Set("problem", error.what());
    }
  });
  return out;
}

}  // namespace selfgrad::addon
