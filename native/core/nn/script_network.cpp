#include "nn/script_network.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <exception>
#include <sstream>
#include <utility>

#include "error.h"
#include "nn/normalize.h"

namespace selfgrad {
namespace {

/// What an exception of LibTorch says, without the stack behind it, on one line.
std::string first_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  // TorchScript puts where it was before what went wrong.
  if (const auto what = text.rfind("RuntimeError: "); what != std::string::npos)
    text = text.substr(what + 14);
  return text.substr(0, text.find('\n'));
}

Error refusal(const std::string& path, const std::string& what, const std::string& fix) {
  return Error("ERR_CHECKPOINT",
               "Expected a TorchScript model in " + path + " but received " + what + ". " + fix);
}

constexpr const char* kExport = "Write it with torch.jit.trace(model.eval(), example).save(path).";

torch::jit::Module read_module(const std::string& path) {
  try {
    caffe2::serialize::PyTorchStreamReader archive(path);
    if (!archive.hasRecord("constants.pkl"))
      throw refusal(path, "an archive without code, as torch.save writes", kExport);
  } catch (const c10::Error& error) {
    throw refusal(path, "a file that is damaged or of another format (" + first_line(error) + ")", kExport);
  }
  try {
    return torch::jit::load(path, at::Device(at::kCPU));
  } catch (const std::exception& error) {
    throw refusal(path, "a file that is damaged or of another version (" + first_line(error) + ")", kExport);
  }
}

class ScriptNetwork final : public Classifier {
 public:
  ScriptNetwork(const std::string& path, const ScriptOptions& options)
      : shape_(options.shape), normalize_(options.mean, options.std), module_(read_module(path)) {
    module_.eval();
    for (const auto& tensor : module_.parameters())
      settle(tensor);
    for (const auto& tensor : module_.buffers())
      settle(tensor);
    probe(path);
  }

  at::Tensor logits(const at::Tensor& images, const std::atomic<bool>&) override {
    // Plain interpretation: the same arithmetic at the first call as at the hundredth, and second
    // derivatives.
    const torch::jit::GraphOptimizerEnabledGuard plain(false);
    at::Tensor logits = module_.forward({normalize_.forward(images)}).toTensor().to(at::kFloat);
    if (at::GradMode::is_enabled() && images.requires_grad() && !logits.requires_grad())
      throw Error("ERR_OPTION",
                  "Expected logits that can be differentiated from the TorchScript model but received some "
                  "without a gradient. Export it without no_grad or detach, or attack it with square.");
    return logits;
  }

  at::Device device() const override { return normalize_.mean().device(); }
  void move_to(at::Device device) override {
    module_.to(device);
    normalize_.to(device);
  }
  ImageShape shape() const override { return shape_; }
  int64_t classes() const override { return classes_; }
  int64_t parameter_count() const override {
    int64_t count = 0;
    for (const auto& parameter : module_.parameters())
      count += parameter.numel();
    return count;
  }

 private:
  static void settle(const at::Tensor& tensor) {
    tensor.requires_grad_(false);
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(at::kFloat));
  }

  void probe(const std::string& path) {
    const at::NoGradGuard no_grad;
    const at::Tensor grey =
        at::full({2, shape_.channels, shape_.height, shape_.width}, 0.5, at::dtype(at::kFloat));
    std::ostringstream images;
    images << "two images of " << shape_.channels << "x" << shape_.height << "x" << shape_.width;
    at::Tensor answer;
    try {
      answer = logits(grey, std::atomic<bool>(false));
    } catch (const std::exception& error) {
      throw refusal(path, "one that fails on " + images.str() + " (" + first_line(error) + ")",
                    "Give the shape of the images that it takes as inputShape.");
    }
    if (answer.dim() != 2 || answer.size(0) != 2 || answer.size(1) < 2) {
      std::ostringstream what;
      what << "one that answers " << images.str() << " by " << answer.sizes();
      throw refusal(path, what.str(), "It must give logits of shape [images, classes].");
    }
    classes_ = answer.size(1);
  }

  ImageShape shape_;
  Normalize normalize_;
  torch::jit::Module module_;
  int64_t classes_ = 0;
};

}  // namespace

std::shared_ptr<Classifier> load_script(const std::string& path, const ScriptOptions& options) {
  return std::make_shared<ScriptNetwork>(path, options);
}

}  // namespace selfgrad
