// Architectures and taps: PyTorch's names, shapes, taps that are identities, gradients against finite
// differences.
#include "nn/network.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <filesystem>

#include "fixtures.h"
#include "nn/model_file.h"
#include "tensor/philox.h"

namespace selfgrad {
namespace {

NetworkOptions resnet8(std::vector<std::string> taps = {}) {
  return {.architecture = "preact-resnet",
          .shape = {3, 16, 16},
          .classes = 10,
          .depths = {1, 1, 1},
          .width = 8,
          .taps = std::move(taps),
          .mean = {0.5, 0.4, 0.3},
          .std = {0.2, 0.25, 0.3},
          .seed = 3};
}

at::Tensor noise_images(int64_t n, int64_t channels, int64_t size) {
  return uniform({11, Purpose::kAttackStart, 0}, at::arange(n), {channels, size, size}, 0, 1);
}

std::vector<std::string> names_of(const NetworkOptions& options) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : make_network(options)->state())
    names.push_back(name);
  return names;
}

TEST(Network, PreActResNetHasPyTorchsNames) {
  const auto names = names_of(resnet8());
  for (const char* name :
       {"conv1.weight", "layer1.0.bn1.weight", "layer1.0.conv2.weight", "layer2.0.shortcut.0.weight",
        "layer3.0.bn2.running_var", "bn.bias", "linear.weight", "linear.bias", "normalize.mean"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  EXPECT_EQ(std::count(names.begin(), names.end(), "layer1.0.shortcut.0.weight"), 0);
}

TEST(Network, WideResNetHasPyTorchsNames) {
  NetworkOptions options = resnet8();
  options.architecture = "wide-resnet";
  options.width = 2;
  const auto names = names_of(options);
  for (const char* name : {"conv1.weight", "block1.layer.0.bn1.weight", "block1.layer.0.convShortcut.weight",
                           "block3.layer.0.conv2.weight", "bn1.running_mean", "fc.bias"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Network, CountsTheParametersOfTheLiteratures) {
  const auto count = [](const NetworkOptions& options) {
    int64_t sum = 0;
    for (const auto& parameter : make_network(options)->parameters())
      sum += parameter.numel();
    return sum;
  };
  NetworkOptions options = resnet8();
  options.shape = {3, 32, 32};
  options.depths = {2, 2, 2, 2};
  options.width = 64;
  // PreActResNet-18 with a final BatchNorm: 11 171 146 + 2 * 512.
  EXPECT_EQ(count(options), 11172170);
  options.architecture = "wide-resnet";
  options.depths = {4, 4, 4};
  options.width = 10;
  EXPECT_EQ(count(options), 36479194);  // WRN-28-10
}

TEST(Network, CountsFloatingPointOperations) {
  // Twice the weights of each layer times the pixels that it writes.
  NetworkOptions resnet = resnet8();
  resnet.shape = {3, 32, 32};
  resnet.width = 16;
  const int64_t stem = 2 * 432 * 1024, stage1 = 2 * (2304 + 2304) * 1024;
  const int64_t stage2 = 2 * (4608 + 9216 + 512) * 256, stage3 = 2 * (18432 + 36864 + 2048) * 64;
  EXPECT_EQ(make_network(resnet)->flops(), stem + stage1 + stage2 + stage3 + 2 * 640);
  // An odd size is halved upwards: 15 x 9, 8 x 5, 4 x 3.
  resnet.shape = {3, 15, 9};
  EXPECT_EQ(make_network(resnet)->flops(), 2 * (432 + 4608) * 135 + 2 * 14336 * 40 + 2 * 57344 * 12 + 1280);

  NetworkOptions cnn{.architecture = "small-cnn",
                     .shape = {1, 28, 28},
                     .classes = 10,
                     .width = 16,
                     .mean = {0.5},
                     .std = {0.5}};
  EXPECT_EQ(make_network(cnn)->flops(), 2 * (256 * 14 * 14 + 8192 * 7 * 7 + 1568 * 100 + 100 * 10));
}

TEST(Network, WeightsDependOnTheSeedAlone) {
  const at::Tensor a = make_network(resnet8())->state()[0].second;
  const at::Tensor b = make_network(resnet8({"input", "stem"}))->state()[0].second;
  NetworkOptions other = resnet8();
  other.seed = 4;
  EXPECT_TRUE(at::equal(a, b));
  EXPECT_FALSE(at::equal(a, make_network(other)->state()[0].second));
  EXPECT_LE(a.abs().max().item<double>(), 1.0 / std::sqrt(27.0));
}

TEST(Network, TapsChangeNoLogit) {
  const at::Tensor x = noise_images(4, 3, 16);
  auto plain = make_network(resnet8());
  auto tapped = make_network(resnet8({"input", "stem", "stage1", "stage3"}));
  for (const bool training : {false, true}) {
    plain->train(training);
    tapped->train(training);
    tapped->tap("stage1").capture(training);
    EXPECT_TRUE(at::equal(plain->forward(x), tapped->forward(x)));
  }
}

TEST(Tap, IsTheIdentityInEvaluation) {
  SelfGradientTap tap;
  tap.eval();
  tap.capture(true);
  const at::Tensor x = noise_images(1, 1, 2);
  EXPECT_TRUE(tap.forward(x).is_same(x));
  EXPECT_FALSE(tap.activation().defined());
}

TEST(Tap, CapturesTheGradientAtItsPlace) {
  auto network = make_network(resnet8({"input", "stage2"}));
  network->train();
  const at::Tensor x = noise_images(4, 3, 16);
  const at::Tensor labels = at::tensor({1, 2, 3, 4}, at::kLong);
  network->tap("input").capture(true);
  network->tap("stage2").capture(true);
  at::cross_entropy_loss(network->forward(x), labels, {}, at::Reduction::Sum).backward();
  const at::Tensor tapped = network->tap("input").take_gradient();
  const at::Tensor inner = network->tap("stage2").take_gradient();

  auto plain = make_network(resnet8());
  plain->train();
  const at::Tensor input = x.clone().requires_grad_();
  const at::Tensor loss = at::cross_entropy_loss(plain->forward(input), labels, {}, at::Reduction::Sum);
  EXPECT_TRUE(at::equal(tapped, torch::autograd::grad({loss}, {input})[0]));
  EXPECT_EQ(inner.sizes(), (std::vector<int64_t>{4, 32 / 2, 8, 8}));
  EXPECT_GT(inner.abs().sum().item<double>(), 0);
  EXPECT_FALSE(network->tap("input").take_gradient().defined()) << "a gradient is taken once";
}

TEST(Network, GradientAgreesWithFiniteDifferences) {
  for (const char* activation : {"silu"}) {  // smooth: differences converge everywhere
    NetworkOptions options = resnet8();
    options.activation = activation;
    auto network = make_network(options);
    network->eval();
    network->to(at::kDouble);
    const at::Tensor x = noise_images(1, 3, 16).to(at::kDouble);
    const auto margin = [&](const at::Tensor& at) {
      // forward() hands out float32; the difference is taken over a large step to stay above its rounding.
      return network->forward(at).select(1, 3).sum();
    };
    const at::Tensor input = x.clone().requires_grad_();
    const at::Tensor gradient = torch::autograd::grad({margin(input)}, {input})[0];
    const at::Tensor direction = gradient / gradient.norm();
    const double h = 1e-2;
    const double difference =
        (margin(x + h * direction).item<double>() - margin(x - h * direction).item<double>()) / (2 * h);
    EXPECT_NEAR(difference / gradient.norm().item<double>(), 1.0, 1e-2);
  }
}

TEST(Network, RefusesWhatItCannotBuild) {
  NetworkOptions options = resnet8();
  options.architecture = "resnet";
  EXPECT_EQ(test::message_of([&] { make_network(options); }),
            "ERR_OPTION Expected preact-resnet, preact-resnet-plain, wide-resnet, small-cnn or layers for "
            "model.architecture but received resnet.");
  EXPECT_EQ(
      test::message_of([] { make_network(resnet8({"stage4"})); }),
      "ERR_OPTION Expected one of input, stem, stage1, stage2, stage3 for model.taps but received stage4.");
  options = resnet8();
  options.mean = {0.5};
  EXPECT_EQ(
      test::message_of([&] { make_network(options); }),
      "ERR_OPTION Expected 3 values, one a channel, for model.mean and model.std but received 1 and 3.");
  options = resnet8();
  options.architecture = "wide-resnet";
  options.depths = {1, 1};
  EXPECT_EQ(test::message_of([&] { make_network(options); }),
            "ERR_OPTION Expected 3 stages for model.depths of wide-resnet but received 2.");
  EXPECT_EQ(
      test::message_of([] { make_network(resnet8())->tap("input"); }),
      "ERR_OPTION Expected a self-gradient tap at input but model.taps has none. Add input to model.taps.");
}

TEST(ModelFile, RebuildsTheSameNetwork) {
  const std::string path = std::filesystem::temp_directory_path() / "selfgrad-network-test.safetensors";
  for (const char* architecture : {"preact-resnet", "small-cnn"}) {
    NetworkOptions options = resnet8({"input"});
    options.architecture = architecture;
    if (options.architecture == "small-cnn") options.depths.clear();
    auto network = make_network(options);
    network->eval();
    save_network(path, *network, {{"strategy", "pgd"}});
    const TensorFile file = read_safetensors(path);
    auto loaded = load_network(file, path);
    const at::Tensor x = noise_images(2, 3, 16);
    EXPECT_TRUE(at::equal(network->forward(x), loaded->forward(x)));
    EXPECT_EQ(file.metadata.at("strategy"), "pgd");
    EXPECT_EQ(loaded->options().mean, options.mean);
    EXPECT_EQ(loaded->options().taps, options.taps);
  }
  std::filesystem::remove(path);
}

TEST(ModelFile, RefusesForeignAndDamagedMetadata) {
  const Metadata good = describe(resnet8());
  const auto damaged = [&](const std::string& key, const std::string& value) {
    Metadata metadata = good;
    metadata[key] = value;
    return test::message_of([&] { network_options(metadata, "x.safetensors"); });
  };
  EXPECT_EQ(test::message_of([] { network_options({}, "x.safetensors"); }),
            "ERR_CHECKPOINT Expected a file that selfgrad wrote (format 1) for x.safetensors but its "
            "metadata has no "
            "format. Use model.safetensors or checkpoint.safetensors of a run directory.");
  EXPECT_EQ(
      damaged("model.classes", "ten"),
      "ERR_CHECKPOINT Expected model.classes in the metadata of x.safetensors but found ten. Use a model or "
      "checkpoint file that selfgrad wrote.");
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"model.width", "99999999999"},
                                                        {"model.depths", "1,-1"},
                                                        {"model.depths", "4000,4000"},
                                                        {"model.height", "0"},
                                                        {"model.classes", "9223372036854775807"}})
    EXPECT_EQ(damaged(key, value).substr(0, 14), "ERR_CHECKPOINT") << key << " " << value;
}

TEST(ModelFile, RefusesANetworkLargerThanTheFileBeforeItIsAllocated) {
  NetworkOptions options = resnet8();
  TensorFile file;
  file.metadata = describe(options);
  // 4096 blocks of 4096 channels are 2.4 TB of weights: without the budget this test ends in std::bad_alloc.
  file.metadata["model.depths"] = "4096";
  file.metadata["model.width"] = "4096";
  EXPECT_EQ(
      test::message_of([&] { load_network(file, "x.safetensors"); }),
      "ERR_CHECKPOINT Expected a network of this version of selfgrad in x.safetensors but it holds "
      "another. Expected a network of at most 16777216 parameters, which is what the file may fill, but "
      "received a larger one. Name the architecture that the file was made for.");
  options.width = 1;
  EXPECT_NO_THROW(make_network(options)) << "the budget ends with the file";
}

TEST(ModelFile, RefusesMetadataLongerThanAnyNetworkNeeds) {
  Metadata metadata = describe(resnet8());
  metadata["model.taps"] = std::string((1 << 17) + 1, ',');
  EXPECT_EQ(
      test::message_of([&] { network_options(metadata, "x.safetensors"); }),
      "ERR_CHECKPOINT Expected model.taps in the metadata of x.safetensors but found 131073 characters. "
      "Use a model or checkpoint file that selfgrad wrote.");
}

}  // namespace
}  // namespace selfgrad
