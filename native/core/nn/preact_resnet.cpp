#include <ATen/ops/mean.h>

#include "error.h"
#include "nn/architectures.h"

namespace selfgrad {
namespace {

class PreActBlock : public torch::nn::Module {
 public:
  PreActBlock(int64_t in, int64_t out, int64_t stride, Activation activation) : activation_(activation) {
    bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = stride}));
    bn2_ = register_module("bn2", std::make_shared<BatchNorm2d>(out));
    conv2_ = register_module("conv2", std::make_shared<Conv2d>(ConvOptions{.in = out, .out = out}));
    if (stride != 1 || in != out) {
      auto shortcut = register_module("shortcut", std::make_shared<Group>());
      shortcut_ = shortcut->register_module(
          "0", std::make_shared<Conv2d>(
                   ConvOptions{.in = in, .out = out, .kernel = 1, .stride = stride, .padding = 0}));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor active = activate(activation_, bn1_->forward(x));
    const at::Tensor residual =
        conv2_->forward(activate(activation_, bn2_->forward(conv1_->forward(active))));
    return residual + (shortcut_ ? shortcut_->forward(active) : x);
  }

 private:
  Activation activation_;
  std::shared_ptr<BatchNorm2d> bn1_, bn2_;
  std::shared_ptr<Conv2d> conv1_, conv2_, shortcut_;
};

class PreActResNet : public Network {
 public:
  explicit PreActResNet(const NetworkOptions& options) : Network(options) {
    int64_t channels = options.width;
    conv1_ = register_module(
        "conv1", std::make_shared<Conv2d>(ConvOptions{.in = options.shape.channels, .out = channels}));
    int64_t in = channels;
    for (size_t s = 0; s < options.depths.size(); ++s) {
      auto stage = register_module("layer" + std::to_string(s + 1), std::make_shared<Group>());
      std::vector<std::shared_ptr<PreActBlock>> blocks;
      for (int64_t b = 0; b < options.depths[s]; ++b) {
        const int64_t stride = s > 0 && b == 0 ? 2 : 1;
        blocks.push_back(stage->register_module(
            std::to_string(b), std::make_shared<PreActBlock>(in, channels, stride, activation())));
        in = channels;
      }
      stages_.push_back(std::move(blocks));
      channels *= 2;
    }
    bn_ = register_module("bn", std::make_shared<BatchNorm2d>(in));
    linear_ = register_module("linear", std::make_shared<Linear>(in, options.classes));
  }

 private:
  at::Tensor body(const at::Tensor& x) override {
    at::Tensor y = tapped("stem", conv1_->forward(x));
    for (size_t s = 0; s < stages_.size(); ++s) {
      for (const auto& block : stages_[s])
        y = block->forward(y);
      y = tapped("stage" + std::to_string(s + 1), y);
    }
    return linear_->forward(activate(activation(), bn_->forward(y)).mean({2, 3}));
  }

  std::shared_ptr<Conv2d> conv1_;
  std::vector<std::vector<std::shared_ptr<PreActBlock>>> stages_;
  std::shared_ptr<BatchNorm2d> bn_;
  std::shared_ptr<Linear> linear_;
};

}  // namespace

std::shared_ptr<Network> make_preact_resnet(const NetworkOptions& options) {
  if (options.depths.empty() || options.depths.size() > 6)
    throw Error("ERR_OPTION", "Expected 1 to 6 stages for model.depths of preact-resnet but received " +
                                  std::to_string(options.depths.size()) + ".");
  return std::make_shared<PreActResNet>(options);
}

}  // namespace selfgrad
