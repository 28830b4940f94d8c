// Agreement with PyTorch: reference/make_network_reference.py builds the same networks, evaluates them, and
// trains three steps with torch.optim.SGD.
#include <ATen/ops/cross_entropy_loss.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>

#include "nn/model_file.h"
#include "nn/network.h"
#include "train/trainer.h"

namespace selfgrad {
namespace {

struct Case {
  std::string name;
  NetworkOptions options;
};

NetworkOptions options_of(const std::string& architecture, std::vector<int64_t> depths, int64_t width) {
  NetworkOptions options;
  options.architecture = architecture;
  options.shape = {3, 8, 8};
  options.classes = 5;
  options.depths = std::move(depths);
  options.width = width;
  options.mean = {0.5, 0.4, 0.3};
  options.std = {0.2, 0.25, 0.3};
  return options;
}

class NetworkReference : public ::testing::TestWithParam<Case> {
 protected:
  NetworkReference()
      : file_(read_safetensors(
            (std::filesystem::path(__FILE__).parent_path() / "reference" / "network_reference.safetensors")
                .string())),
        network_(make_network(GetParam().options)) {
    for (auto& [name, tensor] : weights())
      tensor.copy_(reference("before", name));
  }

  // The network's own tensors under PyTorch's names; normalisation is ours and outside the reference.
  NamedTensors weights() const {
    const at::NoGradGuard no_grad;
    NamedTensors named;
    for (const auto& [name, tensor] : network_->state())
      if (!name.starts_with("normalize.")) named.emplace_back(name, tensor.detach());
    return named;
  }
  at::Tensor reference(const std::string& part, const std::string& name = "") const {
    return file_.at(GetParam().name + "." + part + (name.empty() ? "" : "." + name));
  }
  at::Tensor images() const { return file_.at("pixels").to(at::kFloat) / 255; }

  TensorFile file_;
  std::shared_ptr<Network> network_;
};

void expect_close(const at::Tensor& ours, const at::Tensor& theirs, double allowed, const std::string& what) {
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << what;
  const double error = (ours.to(at::kDouble) - theirs.to(at::kDouble)).abs().max().item<double>();
  EXPECT_LE(error, allowed) << what << ": " << 100 * error / allowed << " % of the allowed error";
}

INSTANTIATE_TEST_SUITE_P(PyTorch, NetworkReference,
                         ::testing::Values(Case{"preact", options_of("preact-resnet", {1, 2}, 4)},
                                           Case{"wide", options_of("wide-resnet", {1, 1, 1}, 1)},
                                           Case{"cnn", options_of("small-cnn", {}, 3)}),
                         [](const auto& info) { return info.param.name; });

TEST_P(NetworkReference, ProducesPyTorchLogitsAndGradients) {
  network_->eval();
  const at::Tensor x = images().requires_grad_();
  const at::Tensor logits = network_->forward(x);
  expect_close(logits, reference("logits"), 1e-5, "logits");
  const at::Tensor loss = at::cross_entropy_loss(logits, file_.at("labels"), {}, at::Reduction::Sum);
  expect_close(torch::autograd::grad({loss}, {x})[0], reference("gradient"), 1e-5, "gradient");
}

TEST_P(NetworkReference, TrainsToPyTorchWeights) {
  const at::Tensor pixels = file_.at("pixels").to(at::kByte).contiguous();
  const at::Tensor labels = file_.at("labels").to(at::kInt).contiguous();
  Dataset data(pixels.size(0), {3, 8, 8}, 5);
  data.append(pixels.const_data_ptr<uint8_t>(), labels.const_data_ptr<int32_t>(), pixels.size(0));
  TrainOptions options;
  options.strategy.name = "standard";
  options.epochs = 3;
  options.batch_size = pixels.size(0);
  options.lr = 0.05;
  options.weight_decay = 0.01;
  options.label_smoothing = 0.1;
  options.schedule.kind = ScheduleOptions::Kind::kConstant;
  options.augment = {.crop = 0, .flip = false};
  const std::atomic<bool> stop{false};
  Trainer(*network_, data, nullptr, options).run(stop, [](const TrainEvent&) {});
  for (const auto& [name, tensor] : weights())
    expect_close(tensor, reference("after", name), 2e-4, name);
}

}  // namespace
}  // namespace selfgrad
