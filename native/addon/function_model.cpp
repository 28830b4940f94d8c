#include "function_model.h"

#include <ATen/core/grad_mode.h>

#include "error.h"
#include "javascript_function.h"

namespace selfgrad::addon {
namespace {

class FunctionModel final : public Classifier {
 public:
  FunctionModel(Napi::Env env, const Napi::Function& ask, const ImageShape& shape, int64_t classes)
      : ask_(env, ask), shape_(shape), classes_(classes) {}

  at::Tensor logits(const at::Tensor& images, const std::atomic<bool>& stop) override {
    if (at::GradMode::is_enabled() && images.requires_grad())
      throw Error("ERR_OPTION",
                  "Expected an attack without gradients for a model that is a function but received one that "
                  "needs them. Use square.");
    return ask_(images, {images.size(0), classes_}, stop);
  }

  ImageShape shape() const override { return shape_; }
  int64_t classes() const override { return classes_; }
  int64_t parameter_count() const override { return 0; }

 private:
  JavaScriptFunction ask_;
  ImageShape shape_;
  int64_t classes_;
};

}  // namespace

std::shared_ptr<Classifier> make_function_model(Napi::Env env, const Napi::Function& ask,
                                                const ImageShape& shape, int64_t classes) {
  return std::make_shared<FunctionModel>(env, ask, shape, classes);
}

}  // namespace selfgrad::addon
