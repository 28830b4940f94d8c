#include "function_model.h"

#include <ATen/core/grad_mode.h>
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

/// The way to the JavaScript thread. It closes once: when the model goes, or when the environment ends first.
struct Channel {
  std::mutex mutex;
  bool open = true;
  Napi::ThreadSafeFunction ask;
};

/// A batch on its way to JavaScript, and the promise of its logits.
struct Question {
  at::Tensor images;
  int64_t classes;
  std::promise<at::Tensor> answer;
};

void settle(const Napi::CallbackInfo& info, Question& question) {
  try {
    if (info[1].IsObject()) {
      const ThrownInJavaScript thrown{state(info.Env()).keep_thrown(info[1].As<Napi::Object>())};
      question.answer.set_exception(std::make_exception_ptr(thrown));
      return;
    }
    const auto given = info[0].As<Napi::Float32Array>();
    at::Tensor logits = at::empty({question.images.size(0), question.classes}, at::kFloat);
    std::memcpy(logits.mutable_data_ptr<float>(), given.Data(), logits.nbytes());
    question.answer.set_value(logits);
  } catch (const std::future_error&) {
    // Answered twice: the first answer counts.
  }
}

void put(Napi::Env env, const Napi::Function& ask, const std::shared_ptr<Question>& question) {
  const auto sizes = question->images.sizes();
  Napi::Array shape = Napi::Array::New(env, sizes.size());
  for (uint32_t i = 0; i < sizes.size(); ++i)
    shape[i] = static_cast<double>(sizes[i]);
  ask.Call(
      {float_array(env, question->images), shape,
       Napi::Function::New(env, [question](const Napi::CallbackInfo& info) { settle(info, *question); })});
}

class FunctionModel final : public Classifier {
 public:
  FunctionModel(Napi::Env env, const Napi::Function& ask, const ImageShape& shape, int64_t classes)
      : shape_(shape), classes_(classes) {
    channel_->ask =
        Napi::ThreadSafeFunction::New(env, ask, "selfgrad.function", 0, 1, [c = channel_](Napi::Env) {
          const std::scoped_lock lock(c->mutex);
          c->open = false;
        });
    channel_->ask.Unref(env);  // a model alone keeps no process alive
  }

  ~FunctionModel() override {
    const std::scoped_lock lock(channel_->mutex);
    if (std::exchange(channel_->open, false)) channel_->ask.Release();
  }

  at::Tensor logits(const at::Tensor& images, const std::atomic<bool>& stop) override {
    if (at::GradMode::is_enabled() && images.requires_grad())
      throw Error("ERR_OPTION",
                  "Expected an attack without gradients for a model that is a function but received one that "
                  "needs them. Use square.");
    const auto question = std::make_shared<Question>(Question{images, classes_, {}});
    auto answer = question->answer.get_future();
    send(question);
    while (answer.wait_for(kPatience) != std::future_status::ready)
      if (stop) throw Cancelled();
    return answer.get();
  }

  ImageShape shape() const override { return shape_; }
  int64_t classes() const override { return classes_; }
  int64_t parameter_count() const override { return 0; }

 private:
  void send(const std::shared_ptr<Question>& question) {
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

  ImageShape shape_;
  int64_t classes_;
  std::shared_ptr<Channel> channel_ = std::make_shared<Channel>();
};

}  // namespace

std::shared_ptr<Classifier> make_function_model(Napi::Env env, const Napi::Function& ask,
                                                const ImageShape& shape, int64_t classes) {
  return std::make_shared<FunctionModel>(env, ask, shape, classes);
}

}  // namespace selfgrad::addon
