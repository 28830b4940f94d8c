#include "error.h"
#include "nn/architectures.h"

namespace selfgrad {
namespace {

class SmallCnn : public Network {
 public:
  explicit SmallCnn(const NetworkOptions& options) : Network(options) {
    const int64_t width = options.width;
    conv1_ = register_module("conv1", std::make_shared<Conv2d>(halving(options.shape.channels, width)));
    conv2_ = register_module("conv2", std::make_shared<Conv2d>(halving(width, 2 * width)));
    // A 4x4 convolution of stride 2 and padding 1 halves a size, rounding down.
    const int64_t features = 2 * width * (options.shape.height / 4) * (options.shape.width / 4);
    fc1_ = register_module("fc1", std::make_shared<Linear>(features, kHidden));
    fc2_ = register_module("fc2", std::make_shared<Linear>(kHidden, options.classes));
  }

  std::vector<LayerCost> costs() const override {
    const auto [_, height, width] = options().shape;
    return {conv1_->cost("conv1", height, width), conv2_->cost("conv2", height / 2, width / 2),
            fc1_->cost("fc1"), fc2_->cost("fc2")};
  }

 private:
  static constexpr int64_t kHidden = 100;
  static ConvOptions halving(int64_t in, int64_t out) {
    return {.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = true};
  }

  at::Tensor body(const at::Tensor& x) override {
    const at::Tensor stem = activate(activation(), tapped("stem", conv1_->forward(x)));
    const at::Tensor features = activate(activation(), conv2_->forward(stem));
    // NCHW order, so that the linear layer reads what PyTorch's flatten would give it.
    return fc2_->forward(activate(activation(), fc1_->forward(features.contiguous().flatten(1))));
  }

  void append_body(LayerGraph& graph, int64_t x) const override {
    const int64_t stem = graph.activation(graph.add(x, *conv1_), activation());
    const int64_t features = graph.activation(graph.add(stem, *conv2_), activation());
    graph.add(graph.activation(graph.add(features, *fc1_), activation()), *fc2_);
  }

  std::shared_ptr<Conv2d> conv1_, conv2_;
  std::shared_ptr<Linear> fc1_, fc2_;
};

}  // namespace

std::shared_ptr<Network> make_small_cnn(const NetworkOptions& options) {
  if (!options.depths.empty())
    throw Error("ERR_OPTION", "Expected no model.depths for small-cnn, which has no stages.");
  if (options.shape.height < 4 || options.shape.width < 4)
    throw Error("ERR_OPTION", "Expected images of at least 4x4 pixels for small-cnn.");
  return std::make_shared<SmallCnn>(options);
}

}  // namespace selfgrad
