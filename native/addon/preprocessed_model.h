// A model behind a JavaScript function that changes its images: gradients pass the function as if it were the
// identity.
#pragma once

#include <memory>

#include "javascript_function.h"
#include "model.h"
#include "nn/classifier.h"

namespace selfgrad::addon {

/// logits(x) = model(f(x)), with the gradient of the model at f(x) for that at x. Its layers are not known,
/// so that nothing is certified of it.
class PreprocessedModel final : public Classifier {
 public:
  /// `ask` as for JavaScriptFunction; it answers images of the shape that it is given.
  PreprocessedModel(Napi::Env env, const Napi::Function& ask, std::shared_ptr<SharedModel> model)
      : ask_(env, ask), model_(std::move(model)) {}

  at::Tensor logits(const at::Tensor& images, const std::atomic<bool>& stop) override;
  ImageShape shape() const override { return model_->classifier->shape(); }
  int64_t classes() const override { return model_->classifier->classes(); }
  int64_t parameter_count() const override { return model_->classifier->parameter_count(); }

  /// Who has the model behind has this one.
  const std::shared_ptr<SharedModel>& model() const { return model_; }

 private:
  JavaScriptFunction ask_;
  std::shared_ptr<SharedModel> model_;
};

}  // namespace selfgrad::addon
