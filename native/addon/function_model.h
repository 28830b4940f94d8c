// A model that is only a JavaScript function: the job's thread hands images over and waits for logits.
#pragma once

#include <napi.h>

#include <memory>

#include "nn/classifier.h"

namespace selfgrad::addon {

/// Calls `ask(images, shape, answer)` on the JavaScript thread, once a batch; `answer(logits, error)` is to
/// be called once, with the error or null. `shape` and `classes` are those of the model.
std::shared_ptr<Classifier> make_function_model(Napi::Env env, const Napi::Function& ask,
                                                const ImageShape& shape, int64_t classes);

}  // namespace selfgrad::addon
