// A JavaScript function as a run's thread asks it: a batch of images is handed over, the answer waited for.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <atomic>
#include <memory>
#include <vector>

namespace selfgrad::addon {

class JavaScriptFunction {
 public:
  /// `ask(images, shape, answer)` is called on the JavaScript thread, once a batch; `answer(values, error)`
  /// is to be called once, with the error or null.
  JavaScriptFunction(Napi::Env env, const Napi::Function& ask);
  JavaScriptFunction(const JavaScriptFunction&) = delete;
  JavaScriptFunction& operator=(const JavaScriptFunction&) = delete;
  ~JavaScriptFunction();

  /// The answer to images (N, C, H, W), float32 of the given sizes. @throws Cancelled once `stop` is set or
  /// the environment ends, ThrownInJavaScript for an error as the answer.
  at::Tensor operator()(const at::Tensor& images, std::vector<int64_t> sizes, const std::atomic<bool>& stop);

 private:
  struct Channel;
  struct Question;
  static void put(Napi::Env env, const Napi::Function& ask, const std::shared_ptr<Question>& question);
  void send(const std::shared_ptr<Question>& question);

  std::shared_ptr<Channel> channel_;
};

}  // namespace selfgrad::addon
