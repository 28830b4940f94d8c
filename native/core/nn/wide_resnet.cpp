#include <ATen/ops/mean.h>

#include "error.h"
#include "nn/architectures.h"

namespace selfgrad {
namespace {

class WideBlock : public torch::nn::Module {
 public:
  WideBlock(int64_t in, int64_t out, int64_t stride, Activation activation) : activation_(activation) {
    bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = stride}));
    bn2_ = register_module("bn2", std::make_shared<BatchNorm2d>(out));
    conv2_ = register_module("conv2", std::make_shared<Conv2d>(ConvOptions{.in = out, .out = out}));
    if (in != out)
      shortcut_ = register_module("convShortcut",
                                  std::make_shared<Conv2d>(ConvOptions{
                                      .in = in, .out = out, .kernel = 1, .stride = stride, .padding = 0}));
  }

  // The shortcut of a block that widens starts behind the activation, of the others before it: as in the
  // reference code.
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

class WideResNet : public Network {
 public:
  explicit WideResNet(const NetworkOptions& options) : Network(options) {
    int64_t in = 16;
    conv1_ = register_module("conv1",
                             std::make_shared<Conv2d>(ConvOptions{.in = options.shape.channels, .out = in}));
    for (size_t s = 0; s < options.depths.size(); ++s) {
      auto stage = register_module("block" + std::to_string(s + 1), std::make_shared<Group>());
      auto layer = stage->register_module("layer", std::make_shared<Group>());
      const int64_t out = (int64_t{16} << s) * options.width;
      std::vector<std::shared_ptr<WideBlock>> blocks;
      for (int64_t b = 0; b < options.depths[s]; ++b) {
        const int64_t stride = s > 0 && b == 0 ? 2 : 1;
        blocks.push_back(layer->register_module(std::to_string(b),
                                                std::make_shared<WideBlock>(in, out, stride, activation())));
        in = out;
      }
      stages_.push_back(std::move(blocks));
    }
    bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(in));
    fc_ = register_module("fc", std::make_shared<Linear>(in, options.classes));
  }

 private:
  at::Tensor body(const at::Tensor& x) override {
    at::Tensor y = tapped("stem", conv1_->forward(x));
    for (size_t s = 0; s < stages_.size(); ++s) {
      for (const auto& block : stages_[s])
        y = block->forward(y);
      y = tapped("stage" + std::to_string(s + 1), y);
    }
    return fc_->forward(activate(activation(), bn1_->forward(y)).mean({2, 3}));
  }

  std::shared_ptr<Conv2d> conv1_;
  std::vector<std::vector<std::shared_ptr<WideBlock>>> stages_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Linear> fc_;
};

}  // namespace

std::shared_ptr<Network> make_wide_resnet(const NetworkOptions& options) {
  if (options.depths.size() != 3)
    throw Error("ERR_OPTION", "Expected 3 stages for model.depths of wide-resnet but received " +
                                  std::to_string(options.depths.size()) + ".");
  return std::make_shared<WideResNet>(options);
}

}  // namespace selfgrad
