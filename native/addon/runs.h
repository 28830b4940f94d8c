// The long jobs: each parses its struct, starts a thread, and turns events and results into JavaScript
// objects.
#pragma once

#include <napi.h>

namespace selfgrad::addon {

/// `train(options, onEvent)`: NativeTrainOptions -> NativeRun<NativeTrainResult>.
Napi::Value train(const Napi::CallbackInfo& info);

/// `evaluate(options, onEvent)`: NativeEvaluateOptions -> NativeRun<NativeEvaluateResult>.
Napi::Value evaluate(const Napi::CallbackInfo& info);

/// `stability(options, onEvent)`: NativeStabilityOptions -> NativeRun<NativeStabilityResult>.
Napi::Value stability(const Napi::CallbackInfo& info);

/// `attack(request)`: NativeAttackRequest -> NativeRun<NativeAttackResult>.
Napi::Value attack(const Napi::CallbackInfo& info);

}  // namespace selfgrad::addon
