#include "javascript_function.h"

#include <ATen/ops/empty.h>

#include <chrono>
#include <cstring>
#include <future>
#include <mutex>
#include <utility>

#include "addon.h"
#include "values.h"

namespace selfgrad::addon {
namespace {

/// Between two looks at the stop flag while JavaScript thinks.
constexpr std::chrono::milliseconds kPatience{10};

}  // namespace

/// The way to the JavaScript thread. It closes once: when the function goes, or when the environment ends
/// first.
struct JavaScriptFunction::Channel {
  std::mutex mutex;
  bool open = true;
  Napi::ThreadSafeFunction ask;
};

/// A batch on its way to JavaScript, and the promise of its answer.
struct JavaScriptFunction::Question {
  at::Tensor images;
  std::vector<int64_t> sizes;
  std::promise<at::Tensor> answer;

  void settle(const Napi::CallbackInfo& info) {
    try {
      if (info[1].IsObject()) {
        const ThrownInJavaScript thrown{state(info.Env()).keep_thrown(info[1].As<Napi::Object>())};
        answer.set_exception(std::make_exception_ptr(thrown));
        return;
      }
      const auto given = info[0].As<Napi::Float32Array>();
      at::Tensor values = at::empty(sizes, at::kFloat);
      std::memcpy(values.mutable_data_ptr<float>(), given.Data(), values.nbytes());
      answer.set_value(values);
    } catch (const std::future_error&) {
      // Answered twice: the first answer counts.
    }
  }
};

void JavaScriptFunction::put(Napi::Env env, const Napi::Function& ask,
                             const std::shared_ptr<Question>& question) {
  const auto sizes = question->images.sizes();
  Napi::Array shape = Napi::Array::New(env, sizes.size());
  for (uint32_t i = 0; i < sizes.size(); ++i)
    shape[i] = static_cast<double>(sizes[i]);
  ask.Call(
      {float_array(env, question->images), shape,
       Napi::Function::New(env, [question](const Napi::CallbackInfo& info) { question->settle(info); })});
}

JavaScriptFunction::JavaScriptFunction(Napi::Env env, const Napi::Function& ask)
    : channel_(std::make_shared<Channel>()) {
  channel_->ask =
      Napi::ThreadSafeFunction::New(env, ask, "selfgrad.function", 0, 1, [c = channel_](Napi::Env) {
        const std::scoped_lock lock(c->mutex);
        c->open = false;
      });
  channel_->ask.Unref(env);  // a model alone keeps no process alive
}

JavaScriptFunction::~JavaScriptFunction() {
  const std::scoped_lock lock(channel_->mutex);
  if (std::exchange(channel_->open, false)) channel_->ask.Release();
}

at::Tensor JavaScriptFunction::operator()(const at::Tensor& images, std::vector<int64_t> sizes,
                                          const std::atomic<bool>& stop) {
  const auto question = std::make_shared<Question>(Question{images, std::move(sizes), {}});
  auto answer = question->answer.get_future();
  send(question);
  while (answer.wait_for(kPatience) != std::future_status::ready)
    if (stop) throw Cancelled();
  return answer.get();
}

void JavaScriptFunction::send(const std::shared_ptr<Question>& question) {
  const std::scoped_lock lock(channel_->mutex);
  auto* sent = new std::shared_ptr<Question>(question);
  const auto deliver = [](Napi::Env env, const Napi::Function& ask, std::shared_ptr<Question>* owned) {
    const std::unique_ptr<std::shared_ptr<Question>> question(owned);
    if (env != nullptr) put(env, ask, *question);
  };
  if (channel_->open && channel_->ask.NonBlockingCall(sent, deliver) == napi_ok) return;
  delete sent;
  throw Cancelled();  // the environment is ending
}

}  // namespace selfgrad::addon
