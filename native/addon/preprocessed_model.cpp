#include "preprocessed_model.h"

#include <ATen/core/grad_mode.h>

#include "nn/straight_through.h"

namespace selfgrad::addon {

at::Tensor PreprocessedModel::logits(const at::Tensor& images, const std::atomic<bool>& stop) {
  const at::Tensor changed =
      ask_(images.detach(), images.sizes().vec(), stop).contiguous(images.suggest_memory_format());
  const bool graph = at::GradMode::is_enabled() && images.requires_grad();
  return model_->classifier->logits(graph ? straight_through(images, changed) : changed, stop);
}

}  // namespace selfgrad::addon
