// What is computed where a window reaches is what a whole forward pass computes.
#include "nn/window_forward.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/max.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <string>

#include "stability/networks.h"

namespace selfgrad {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): helpers of these tests

/// Images like `images` but for other pixels within each one's window.
at::Tensor changed_within(const at::Tensor& images, const Area& windows, uint64_t seed) {
  at::Tensor changed = images.clone();
  const at::Tensor fresh = random_tensor(seed, images.sizes().vec(), 0, 1);
  for (int64_t i = 0; i < images.size(0); ++i) {
    const auto window = [&](const at::Tensor& x) {
      return x[i].narrow(1, windows.row[i], windows.height).narrow(2, windows.column[i], windows.width);
    };
    window(changed).copy_(window(fresh));
  }
  return changed;
}

double farthest(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / (1 + b.abs().max())).item<double>();
}

struct WindowCase {
  std::string architecture, activation;
  ImageShape shape;
};

class WindowForwardTest : public ::testing::TestWithParam<WindowCase> {
 protected:
  WindowForwardTest() {
    NetworkOptions options = tiny_options(GetParam().architecture, GetParam().activation);
    options.shape = GetParam().shape;
    options.mean.assign(static_cast<size_t>(options.shape.channels), 0.4);
    options.std.assign(static_cast<size_t>(options.shape.channels), 0.25);
    network = random_network(options);
    network->eval();
    images = random_tensor(5, {4, options.shape.channels, options.shape.height, options.shape.width}, 0, 1);
  }

  /// Windows of this size in the corners and the middle of four images.
  Area windows(int64_t height, int64_t width) const {
    const int64_t bottom = images.size(2) - height, right = images.size(3) - width;
    return {{0, bottom, bottom / 2, 0}, {0, right, right / 2, right}, height, width};
  }

  const at::NoGradGuard no_grad;
  std::shared_ptr<Network> network;
  at::Tensor images;
};

TEST_P(WindowForwardTest, StartsWithTheWholeForward) {
  WindowForward forward(network->layer_graph());
  EXPECT_LT(farthest(forward.start(images), network->forward(images)), 1e-5);
}

TEST_P(WindowForwardTest, FindsTheLogitsOfImagesThatChangeInWindowsOfEverySize) {
  const at::Tensor rows = at::arange(4, at::kLong);
  for (int64_t side = 1; side <= std::min(images.size(2), images.size(3)); ++side) {
    WindowForward forward(network->layer_graph());
    forward.start(images);
    const Area area = windows(side, side);
    const at::Tensor tried = changed_within(images, area, 100 + side);
    const at::Tensor found = forward.logits(tried, rows, area);
    EXPECT_LT(farthest(found, network->forward(tried)), 1e-5) << "side " << side;
    EXPECT_GT(farthest(found, network->forward(images)), 1e-5) << "side " << side;
  }
}

TEST_P(WindowForwardTest, KeepsWhatWasAcceptedAndForgetsTheRest) {
  WindowForward forward(network->layer_graph());
  forward.start(images);
  at::Tensor known = images.clone();
  for (int64_t round = 0; round < 12; ++round) {
    // A part of the images, in another order.
    const at::Tensor rows = round % 2 == 0 ? at::arange(4, at::kLong) : at::tensor({3, 1}, at::kLong);
    const int64_t side = 1 + round % 4;
    Area area = windows(side, side);
    if (rows.size(0) == 2) area = {{area.row[3], area.row[1]}, {area.column[3], area.column[1]}, side, side};
    const at::Tensor tried = changed_within(known.index_select(0, rows), area, 200 + round);
    EXPECT_LT(farthest(forward.logits(tried, rows, area), network->forward(tried)), 1e-5)
        << "round " << round;
    const at::Tensor chosen = (rows + round) % 3 != 0;
    forward.accept(chosen);
    for (int64_t i = 0; i < rows.size(0); ++i)
      if (chosen[i].item<bool>()) known[rows[i].item<int64_t>()].copy_(tried[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Architectures, WindowForwardTest,
    ::testing::Values(WindowCase{"preact-resnet", "silu", {3, 32, 32}},
                      WindowCase{"preact-resnet", "relu", {1, 11, 7}},
                      WindowCase{"preact-resnet-plain", "relu", {3, 16, 16}},
                      WindowCase{"wide-resnet", "relu", {3, 13, 16}},
                      WindowCase{"small-cnn", "relu", {1, 28, 28}}, WindowCase{"layers", "silu", {3, 24, 19}},
                      WindowCase{"layers", "relu", {1, 11, 7}}, WindowCase{"grouped", "silu", {3, 20, 17}}),
    [](const auto& info) {
      std::string name = info.param.architecture + std::to_string(info.param.shape.height);
      std::erase(name, '-');
      return name;
    });

}  // namespace
}  // namespace selfgrad
