// Plain values out of and into JavaScript objects that TypeScript has already checked.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <map>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "data/dataset.h"
#include "io/safetensors.h"

namespace selfgrad::addon {

double number(const Napi::Object& from, const char* key);
int64_t integer(const Napi::Object& from, const char* key);
bool boolean(const Napi::Object& from, const char* key);
std::string text(const Napi::Object& from, const char* key);
Napi::Object object(const Napi::Object& from, const char* key);
std::vector<double> numbers(const Napi::Object& from, const char* key);
std::vector<std::string> texts(const Napi::Object& from, const char* key);
Metadata metadata(const Napi::Object& from, const char* key);
Norm norm(const Napi::Object& from, const char* key);
Precision precision(const Napi::Object& from, const char* key);
/// All but `source`, which `AttackList` adds.
AttackOptions attack_options(const Napi::Object& from);

Napi::Object to_javascript(Napi::Env env, const Metadata& entries);
Napi::Object to_javascript(Napi::Env env, const Passes& passes);
Napi::Value to_javascript(Napi::Env env, const std::vector<double>& values);
/// A copy of a contiguous float32 tensor.
Napi::Float32Array float_array(Napi::Env env, const at::Tensor& tensor);
Napi::Int32Array int_array(Napi::Env env, const std::vector<int32_t>& values);

/// Images as the public boundary has them: Float32Array in [0, 1], or Uint8Array that is divided by 255,
/// NCHW. Copies. @throws Error("ERR_OPTION") when the length is not that of whole images.
at::Tensor image_tensor(const Napi::Object& from, const char* key, const ImageShape& shape);

}  // namespace selfgrad::addon
