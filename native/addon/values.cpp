#include "values.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "error.h"

namespace selfgrad::addon {
namespace {

Aim aim_named(const std::string& name) {
  if (name == "class") return Aim::kClass;
  if (name == "least-likely") return Aim::kLeastLikely;
  return name == "random" ? Aim::kRandom : Aim::kAnyWrong;
}

}  // namespace

double number(const Napi::Object& from, const char* key) {
  return from.Get(key).ToNumber().DoubleValue();
}
int64_t integer(const Napi::Object& from, const char* key) {
  return from.Get(key).ToNumber().Int64Value();
}
bool boolean(const Napi::Object& from, const char* key) {
  return from.Get(key).ToBoolean();
}
std::string text(const Napi::Object& from, const char* key) {
  return from.Get(key).ToString();
}
Napi::Object object(const Napi::Object& from, const char* key) {
  return from.Get(key).As<Napi::Object>();
}

std::vector<double> numbers(const Napi::Object& from, const char* key) {
  const auto array = from.Get(key).As<Napi::Array>();
  std::vector<double> items;
  for (uint32_t i = 0; i < array.Length(); ++i)
    items.push_back(Napi::Value(array[i]).ToNumber().DoubleValue());
  return items;
}

std::vector<std::string> texts(const Napi::Object& from, const char* key) {
  const auto array = from.Get(key).As<Napi::Array>();
  std::vector<std::string> items;
  for (uint32_t i = 0; i < array.Length(); ++i)
    items.push_back(Napi::Value(array[i]).ToString());
  return items;
}

Metadata metadata(const Napi::Object& from, const char* key) {
  Metadata entries;
  const Napi::Object given = object(from, key);
  const Napi::Array names = given.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = Napi::Value(names[i]).ToString();
    entries[name] = given.Get(name).ToString();
  }
  return entries;
}

Norm norm(const Napi::Object& from, const char* key) {
  const std::string name = text(from, key);
  if (name == "l1") return Norm::kL1;
  return name == "l2" ? Norm::kL2 : Norm::kLinf;
}

Precision precision(const Napi::Object& from, const char* key) {
  return text(from, key) == "bfloat16" ? Precision::kBfloat16 : Precision::kFloat32;
}

AttackOptions attack_options(const Napi::Object& from) {
  return {.name = text(from, "name"),
          .threat = {.norm = norm(from, "norm"), .eps = number(from, "eps")},
          .alpha = number(from, "alpha"),
          .steps = integer(from, "steps"),
          .restarts = integer(from, "restarts"),
          .random_start = boolean(from, "randomStart"),
          .loss = text(from, "loss") == "margin" ? AttackLoss::kMargin : AttackLoss::kCrossEntropy,
          .confidence = number(from, "confidence"),
          .decay = number(from, "decay"),
          .eot = integer(from, "eot"),
          .precision = precision(from, "precision"),
          .target = aim_named(text(from, "target")),
          .target_class = integer(from, "targetClass"),
          .targets = integer(from, "targets"),
          .stop_within_eps = boolean(from, "stopWithinEps"),
          .overshoot = number(from, "overshoot"),
          .binary_search_steps = integer(from, "binarySearchSteps"),
          .initial_c = number(from, "initialC"),
          .learning_rate = number(from, "learningRate"),
          .queries = integer(from, "queries"),
          .p_init = number(from, "pInit"),
          .schedule = integer(from, "schedule"),
          .inner = text(from, "inner")};
}

Napi::Object to_javascript(Napi::Env env, const Metadata& entries) {
  Napi::Object out = Napi::Object::New(env);
  for (const auto& [key, value] : entries)
    out.Set(key, value);
  return out;
}

Napi::Object to_javascript(Napi::Env env, const Passes& passes) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("forward", static_cast<double>(passes.forward));
  out.Set("backward", static_cast<double>(passes.backward));
  return out;
}

Napi::Value to_javascript(Napi::Env env, const std::vector<double>& values) {
  Napi::Array out = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i)
    out[i] = values[i];
  return out;
}

Napi::Float32Array float_array(Napi::Env env, const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  auto out = Napi::Float32Array::New(env, values.numel());
  std::copy_n(values.const_data_ptr<float>(), values.numel(), out.Data());  // may be none
  return out;
}

Napi::Int32Array int_array(Napi::Env env, const std::vector<int32_t>& values) {
  auto out = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

at::Tensor image_tensor(const Napi::Object& from, const char* key, const ImageShape& shape) {
  const auto [channels, height, width] = shape;
  const auto array = from.Get(key).As<Napi::TypedArray>();
  const auto length = static_cast<int64_t>(array.ElementLength());
  const int64_t size = shape.size();
  if (length == 0 || length % size != 0)
    throw Error("ERR_OPTION", "Expected whole images of " + std::to_string(channels) + "x" +
                                  std::to_string(height) + "x" + std::to_string(width) +
                                  " for images but received " + std::to_string(length) + " values.");
  const bool bytes = array.TypedArrayType() == napi_uint8_array;
  at::Tensor images = at::empty({length / size, channels, height, width}, bytes ? at::kByte : at::kFloat);
  std::memcpy(images.mutable_data_ptr(), static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset(),
              images.nbytes());
  if (bytes) images = images.to(at::kFloat).div_(255.0);
  return images.contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace selfgrad::addon
