// Networks from lists of layers: the shapes and counts that are inferred are those of what is built, and a
// list that does not fit is refused by the place of the layer.
#include "nn/layer_list.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

#include "fixtures.h"
#include "nn/model_file.h"
#include "stability/layers.h"
#include "stability/networks.h"
#include "train/trainer.h"

namespace selfgrad {
namespace {

NetworkOptions listed(const std::string& layers, ImageShape shape = {3, 12, 10}, int64_t classes = 5) {
  NetworkOptions options;
  options.architecture = "layers";
  options.shape = shape;
  options.classes = classes;
  options.mean.assign(shape.channels, 0.4);
  options.std.assign(shape.channels, 0.25);
  options.seed = 2;
  options.layers = parse_layers(layers);
  return options;
}

at::Tensor listed_images(int64_t n, const ImageShape& shape) {
  return testing::random_tensor(4, {n, shape.channels, shape.height, shape.width}, 0, 1);
}

TEST(LayerList, TextReadsBackAsTheSame) {
  const std::string text =
      "conv channels=64 kernel=7 stride=2 padding=3 groups=1 bias=0; norm-activation; max-pool kernel=3 "
      "stride=2 "
      "padding=1; tap place=stem; residual channels=64 blocks=2 stride=1; bottleneck channels=64 blocks=1 "
      "stride=2; "
      "average-pool kernel=2 stride=2 "
      "padding=0; activation; global-average-pool; linear features=0";
  EXPECT_EQ(layers_text(parse_layers(text)), text);
  EXPECT_TRUE(parse_layers("").empty());
}

TEST(LayerList, EqualsTheSmallCnn) {
  NetworkOptions cnn{.architecture = "small-cnn", .shape = {3, 12, 10}, .classes = 5, .width = 4};
  cnn.mean = {0.4, 0.4, 0.4};
  cnn.std = {0.25, 0.25, 0.25};
  cnn.seed = 2;
  const auto expected = make_network(cnn);
  const auto found = make_network(listed(
      "conv channels=4 kernel=4 stride=2 padding=1 bias=1; tap place=stem; activation; conv channels=8 "
      "kernel=4 stride=2 padding=1 bias=1; activation; linear features=100; activation; linear"));
  const at::Tensor x = listed_images(3, cnn.shape);
  // Weights are drawn by their place among the parameters, which is the same.
  EXPECT_TRUE(at::equal(found->forward(x), expected->forward(x)));
  EXPECT_EQ(found->flops(), expected->flops());
  EXPECT_EQ(found->parameter_count(), expected->parameter_count());
}

TEST(LayerList, EqualsAPreActResNetInTrainingAndEvaluation) {
  NetworkOptions resnet{
      .architecture = "preact-resnet", .shape = {3, 12, 10}, .classes = 5, .depths = {1, 2}};
  resnet.width = 4;
  resnet.mean = {0.4, 0.4, 0.4};
  resnet.std = {0.25, 0.25, 0.25};
  resnet.seed = 2;
  const auto expected = make_network(resnet);
  const auto found = make_network(
      listed("conv channels=4 kernel=3 padding=1; tap place=stem; residual channels=4; residual channels=8 "
             "blocks=2 stride=2; norm-activation; global-average-pool; linear"));
  const at::Tensor x = listed_images(6, resnet.shape);
  for (const bool training : {true, false}) {
    found->train(training);
    expected->train(training);
    EXPECT_TRUE(at::equal(found->forward(x), expected->forward(x))) << training;
  }
  EXPECT_EQ(found->flops(), expected->flops());
}

TEST(LayerList, ComputesWhatLibTorchsOperationsCompute) {
  const at::NoGradGuard no_grad;
  NetworkOptions options = listed(
      "conv channels=4 kernel=5 stride=2 padding=2; norm-activation; max-pool kernel=3 stride=2 "
      "padding=1; conv channels=6 kernel=2 padding=0 bias=1; activation; average-pool kernel=2 stride=1 "
      "padding=1; linear features=7; activation; linear");
  options.activation = "silu";
  const auto network = testing::random_network(options);
  const auto parameter = [&](const std::string& name) {
    for (const auto& [key, tensor] : network->state())
      if (key == "layers." + name) return tensor;
    throw std::runtime_error("no " + name);
  };
  const at::Tensor x = listed_images(3, options.shape);
  at::Tensor y = at::conv2d((x - 0.4) / 0.25, parameter("0.weight"), {}, {2, 2}, {2, 2});
  y = at::batch_norm(y, parameter("1.weight"), parameter("1.bias"), parameter("1.running_mean"),
                     parameter("1.running_var"), false, 0.1, 1e-5, false);
  y = at::max_pool2d(at::silu(y), {3, 3}, {2, 2}, {1, 1});
  y = at::silu(at::conv2d(y, parameter("3.weight"), parameter("3.bias")));
  y = at::avg_pool2d(y, {2, 2}, {1, 1}, {1, 1}, false, /*count_include_pad=*/true);
  y = at::silu(at::linear(y.contiguous().flatten(1), parameter("6.weight"), parameter("6.bias")));
  y = at::linear(y, parameter("8.weight"), parameter("8.bias"));
  EXPECT_LT((network->forward(x) - y).abs().max().item<double>(), 1e-5);
}

TEST(LayerList, GradientsAgreeWithFiniteDifferences) {
  NetworkOptions options = testing::tiny_options("layers", "silu");
  const auto network = testing::random_network(options);
  const LayerGraph graph = network->layer_graph();
  const at::Tensor x = testing::random_tensor(3, {1, 1, 8, 8}, 0, 1);
  const at::Tensor label = at::zeros({1}, at::kLong);
  // The float32 gradient against differences of the same network in float64.
  const at::Tensor input = x.clone().requires_grad_();
  const at::Tensor gradient =
      torch::autograd::grad({cross_entropy(network->forward(input), label).sum()}, {input})[0].to(
          at::kDouble);
  const at::NoGradGuard no_grad;
  const auto loss = [&](const at::Tensor& at) {
    return cross_entropy(testing::logits_of(graph, at), label).sum().item<double>();
  };
  const double h = 1e-6;
  for (int i = 0; i < 5; ++i) {
    at::Tensor direction = testing::random_tensor(20 + i, {1, 1, 8, 8}, -1, 1).to(at::kDouble);
    direction = direction / direction.norm();
    const at::Tensor at = x.to(at::kDouble);
    const double difference = (loss(at + h * direction) - loss(at - h * direction)) / (2 * h);
    EXPECT_NEAR((gradient * direction).sum().item<double>(), difference, 1e-5);
  }
}

TEST(LayerList, AGroupedConvolutionSeesItsOwnGroupAndABottleneckIsItsFormula) {
  const at::NoGradGuard no_grad;
  const auto network = testing::random_network(
      listed("conv channels=4 kernel=3 padding=1 groups=1; conv channels=8 kernel=3 padding=1 groups=4; "
             "bottleneck channels=12 stride=2; global-average-pool; linear"));
  const auto parameter = [&](const std::string& name) {
    for (const auto& [key, tensor] : network->state())
      if (key == "layers." + name) return tensor;
    throw std::runtime_error("no " + name);
  };
  const auto norm = [&](const at::Tensor& y, const std::string& name) {
    return at::batch_norm(y, parameter(name + ".weight"), parameter(name + ".bias"),
                          parameter(name + ".running_mean"), parameter(name + ".running_var"), false, 0.1,
                          1e-5, false)
        .clamp_min(0);
  };
  EXPECT_EQ(parameter("1.weight").sizes(), (std::vector<int64_t>{8, 1, 3, 3}));
  EXPECT_EQ(parameter("2.0.conv1.weight").sizes(), (std::vector<int64_t>{3, 8, 1, 1}));
  const at::Tensor x = listed_images(3, {3, 12, 10});
  const at::Tensor stem = at::conv2d((x - 0.4) / 0.25, parameter("0.weight"), {}, {1, 1}, {1, 1});
  std::vector<at::Tensor> groups;
  for (int64_t g = 0; g < 4; ++g)
    groups.push_back(
        at::conv2d(stem.narrow(1, g, 1), parameter("1.weight").narrow(0, 2 * g, 2), {}, {1, 1}, {1, 1}));
  const at::Tensor grouped = at::cat(groups, 1);
  const at::Tensor active = norm(grouped, "2.0.bn1");
  at::Tensor y = norm(at::conv2d(active, parameter("2.0.conv1.weight")), "2.0.bn2");
  y = norm(at::conv2d(y, parameter("2.0.conv2.weight"), {}, {2, 2}, {1, 1}), "2.0.bn3");
  y = at::conv2d(y, parameter("2.0.conv3.weight")) +
      at::conv2d(active, parameter("2.0.shortcut.0.weight"), {}, {2, 2});
  y = at::linear(y.mean({2, 3}), parameter("4.weight"), parameter("4.bias"));
  EXPECT_LT((network->forward(x) - y).abs().max().item<double>(), 1e-5);
}

std::string refused_list(const std::string& layers, ImageShape shape = {3, 12, 10}) {
  return test::message_of([&] { make_network(listed(layers, shape)); });
}

TEST(LayerList, RefusesWhatDoesNotFitByItsPlace) {
  EXPECT_EQ(refused_list("conv channels=4 kernel=3; cnv channels=4"),
            "ERR_OPTION Expected a kind of layer for model.layers[1] but received cnv.");
  EXPECT_EQ(refused_list("conv channels=4; ; linear"),
            "ERR_OPTION Expected a kind of layer for model.layers[1] but received nothing.");
  EXPECT_EQ(refused_list("max-pool channels=4"),
            "ERR_OPTION Expected an option of max-pool for model.layers[0] but received channels.");
  EXPECT_EQ(refused_list("conv channels=0"),
            "ERR_OPTION Expected an integer in [1, 65536] for model.layers[0].channels but received 0.");
  EXPECT_EQ(refused_list("conv kernel=3"),
            "ERR_OPTION Expected channels for model.layers[0] but received none.");
  EXPECT_EQ(refused_list("tap place=a,b"),
            "ERR_OPTION Expected a place of letters and digits for model.layers[0] but received a,b.");
  EXPECT_EQ(
      refused_list("conv channels=4 kernel=3; max-pool kernel=11"),
      "ERR_OPTION Expected a side of at least 11 pixels with padding for model.layers[1] (max-pool) but "
      "received 4x10x8. Use a smaller kernel, fewer strides before it, or larger images.");
  EXPECT_EQ(refused_list("conv channels=4 kernel=3 padding=3; linear"),
            "ERR_OPTION Expected padding below the kernel for model.layers[0] (conv) but received padding 3 "
            "with kernel 3.");
  EXPECT_EQ(refused_list("conv channels=4 groups=2; linear"),
            "ERR_OPTION Expected groups that divide the channels of input and output for model.layers[0] "
            "(conv) but "
            "received 2 groups of 3 and 4 channels.");
  EXPECT_EQ(refused_list("bottleneck channels=6; linear"),
            "ERR_OPTION Expected channels that are a multiple of 4 for model.layers[0] (bottleneck) but "
            "received 6.");
  EXPECT_EQ(refused_list("bottleneck blocks=2; linear"),
            "ERR_OPTION Expected channels for model.layers[0] but received none.");
  EXPECT_EQ(refused_list("average-pool kernel=3 padding=2; linear"),
            "ERR_OPTION Expected padding of at most half the kernel for model.layers[0] (average-pool) but "
            "received padding 2 with kernel 3.");
  EXPECT_EQ(
      refused_list("linear features=8; norm-activation; linear"),
      "ERR_OPTION Expected channels, height and width for model.layers[1] (norm-activation) but received "
      "8 features. Put it before global-average-pool and linear.");
  EXPECT_EQ(refused_list("tap place=a; tap place=a; linear"),
            "ERR_OPTION Expected a place that is not taken for model.layers[1] (tap) but received a.");
  EXPECT_EQ(refused_list("tap place=input; linear"),
            "ERR_OPTION Expected a place that is not taken for model.layers[0] (tap) but received input.");
  EXPECT_EQ(refused_list("linear features=4"),
            "ERR_OPTION Expected 5 logits, one a class, behind the last layer of model.layers but received 4 "
            "features. End it with global-average-pool and linear.");
  EXPECT_EQ(refused_list("conv channels=5"),
            "ERR_OPTION Expected 5 logits, one a class, behind the last layer of model.layers but received "
            "5x12x10. End it with global-average-pool and linear.");
  EXPECT_EQ(
      refused_list("linear features=1000000; linear features=1000000; linear"),
      "ERR_OPTION Expected at most 2^30 weights and 2^44 multiply-adds for model.layers[1] (linear) but "
      "received more. Use fewer channels or features.");
  std::string many = "activation";
  for (int i = 0; i < 256; ++i)
    many += "; activation";
  EXPECT_EQ(refused_list(many), "ERR_OPTION Expected at most 256 layers for model.layers but received more.");
  EXPECT_EQ(refused_list(""), "ERR_OPTION Expected a list for model.layers of layers but received none.");
  NetworkOptions options = listed("linear");
  options.taps = {"input", "stem"};
  EXPECT_EQ(test::message_of([&] { make_network(options); }),
            "ERR_OPTION Expected one of input for model.taps but received stem.");
  options = listed("linear");
  options.architecture = "small-cnn";
  options.width = 4;
  EXPECT_EQ(test::message_of([&] { make_network(options); }),
            "ERR_OPTION Expected none for model.layers of small-cnn but received a list.");
}

/// Lists drawn at random: most fit, some do not.
class RandomLists {
 public:
  explicit RandomLists(uint32_t seed) : draw_(seed) {}

  std::string next() {
    std::string text;
    for (int64_t i = number(0, 7); i > 0; --i)
      text += layer() + "; ";
    for (const char* end : {"global-average-pool; linear", "linear features=3; activation; linear", "linear",
                            "norm-activation; linear"})
      if (number(0, 2) == 0) return text + end;
    return text + layer();
  }

 private:
  int64_t number(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(draw_);
  }
  std::string field(const std::string& name, int64_t least, int64_t most) {
    return " " + name + "=" + std::to_string(number(least, most));
  }
  std::string layer() {
    switch (number(0, 7)) {
      case 0:
      case 1:
        return "conv" + field("channels", 1, 6) + field("kernel", 1, 4) + field("stride", 1, 3) +
               field("padding", 0, 3) + field("bias", 0, 1) + (number(0, 2) == 0 ? " groups=2" : "");
      case 2:
        return "norm-activation";
      case 3:
        return "residual" + field("channels", 1, 6) + field("blocks", 1, 2) + field("stride", 1, 2);
      case 4:
        return "max-pool" + field("kernel", 1, 3) + field("stride", 1, 3) + field("padding", 0, 1);
      case 6:
        return "bottleneck channels=" + std::to_string(4 * number(1, 2)) + field("blocks", 1, 2) +
               field("stride", 1, 2);
      case 5:
        return "average-pool" + field("kernel", 1, 3) + field("stride", 1, 3) + field("padding", 0, 1);
      default:
        return number(0, 3) == 0 ? "linear features=4" : "activation";
    }
  }
  std::mt19937 draw_;
};

TEST(LayerList, WhatIsInferredIsWhatIsBuilt) {
  const at::NoGradGuard no_grad;
  RandomLists lists(7);
  int64_t fitting = 0, refusals = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string text = lists.next();
    SCOPED_TRACE(text);
    const ImageShape shape{1 + round % 3, 3 + round % 9, 3 + round % 7};
    const NetworkOptions options = listed(text, shape, 4);
    std::vector<LayerCost> costs;
    try {
      costs = network_costs(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "ERR_OPTION");
      EXPECT_NE(std::string(error.what()).find("model.layers"), std::string::npos) << error.what();
      EXPECT_EQ(test::message_of([&] { make_network(options); }), error.code() + " " + error.what());
      ++refusals;
      continue;
    }
    ++fitting;
    const auto network = make_network(options);
    network->eval();
    int64_t parameters = 0;
    for (const LayerCost& cost : costs)
      parameters += cost.parameters;
    EXPECT_EQ(parameters, network->parameter_count());
    const at::Tensor x = listed_images(2, shape);
    const at::Tensor logits = network->forward(x);
    ASSERT_EQ(logits.sizes(), (std::vector<int64_t>{2, 4}));
    // Shapes by computing each layer, multiply-adds by the pixels that its weights were used for.
    const LayerGraph graph = network->layer_graph();
    const auto values = testing::values_of(graph, x.to(at::kDouble));
    EXPECT_LT((values.back() - logits).abs().max().item<double>(), 1e-3);
    int64_t multiply_adds = 0;
    std::set<std::vector<int64_t>> shapes;
    for (size_t place = 0; place < values.size(); ++place) {
      const Layer& layer = graph.layers()[place];
      shapes.insert(values[place].sizes().slice(1).vec());
      if (layer.kind == Layer::Kind::kConv)
        multiply_adds += layer.weight.numel() * values[place].size(2) * values[place].size(3);
      if (layer.kind == Layer::Kind::kLinear) multiply_adds += layer.weight.numel();
    }
    EXPECT_EQ(network->flops(), 2 * multiply_adds);
    for (const LayerCost& cost : costs)
      EXPECT_TRUE(shapes.contains(cost.shape)) << cost.name;
  }
  EXPECT_GT(fitting, 80);
  EXPECT_GT(refusals, 80);
}

TEST(LayerList, CostsOfEveryArchitectureAddUpToItsParameters) {
  for (const std::string architecture :
       {"small-cnn", "preact-resnet", "preact-resnet-plain", "wide-resnet", "layers"}) {
    NetworkOptions options = testing::tiny_options(architecture, "relu");
    options.shape = {1, 11, 7};
    const auto network = make_network(options);
    std::set<std::string> names;
    for (const auto& [name, tensor] : network->state())
      names.insert(name);
    int64_t parameters = 0;
    for (const LayerCost& cost : network->costs()) {
      parameters += cost.parameters;
      // A row with weights is called like its module.
      const auto module = names.lower_bound(cost.name + ".");
      EXPECT_EQ(module != names.end() && module->starts_with(cost.name + "."), cost.parameters > 0)
          << cost.name;
    }
    EXPECT_EQ(parameters, network->parameter_count()) << architecture;
  }
}

// torchvision's resnet50 has 25 557 032 parameters, of its form with activations behind the sums: there each
// block ends in a BatchNorm of its output and each projection has one, here each begins with one of its
// input.
TEST(LayerList, AResNet50HasItsPublishedWeights) {
  const auto costs = network_costs(listed(
      "conv channels=64 kernel=7 stride=2 padding=3; max-pool kernel=3 stride=2 padding=1; bottleneck "
      "channels=256 blocks=3; bottleneck channels=512 blocks=4 stride=2; bottleneck channels=1024 blocks=6 "
      "stride=2; bottleneck channels=2048 blocks=3 stride=2; norm-activation; global-average-pool; linear",
      {3, 224, 224}, 1000));
  int64_t parameters = 0, multiply_adds = 0;
  for (const LayerCost& cost : costs) {
    parameters += cost.parameters;
    multiply_adds += cost.multiply_adds;
  }
  // Weights of convolutions and the last layer are those of resnet50; 53 120 of its parameters are of
  // BatchNorms.
  int64_t norms = 2 * 2048;
  const auto block = [](int64_t in, int64_t inner) { return 2 * (in + 2 * inner); };
  int64_t in = 64;
  for (const auto& [out, blocks] : {std::pair{256, 3}, {512, 4}, {1024, 6}, {2048, 3}})
    for (int b = 0; b < blocks; ++b, in = out)
      norms += block(in, out / 4);
  EXPECT_EQ(parameters - norms, 25557032 - 53120);
  // Published as 4.09 billion, with the stride in the 3x3 convolution as here.
  EXPECT_NEAR(static_cast<double>(multiply_adds), 4.09e9, 0.01e9);
}

TEST(LayerList, TheResNet18OfImageNetHasItsPublishedCost) {
  const auto costs = network_costs(listed(
      "conv channels=64 kernel=7 stride=2 padding=3; max-pool kernel=3 stride=2 padding=1; residual "
      "channels=64 blocks=2; residual channels=128 blocks=2 stride=2; residual channels=256 blocks=2 "
      "stride=2; residual channels=512 blocks=2 stride=2; norm-activation; global-average-pool; linear",
      {3, 224, 224}, 1000));
  int64_t parameters = 0, multiply_adds = 0;
  for (const LayerCost& cost : costs) {
    parameters += cost.parameters;
    multiply_adds += cost.multiply_adds;
  }
  // He et al. 2016 (arXiv 1512.03385, table 1): 1.8 10^9. torchvision's resnet18 has 11 689 512 parameters.
  EXPECT_EQ(multiply_adds, 1'814'073'344);
  EXPECT_NEAR(static_cast<double>(parameters), 11'689'512, 2000);
}

TEST(LayerList, AFeatureTapTrainsSavesAndLoads) {
  NetworkOptions options = testing::tiny_options("layers", "relu");
  options.taps = {"input", "stem"};
  const auto network = make_network(options);
  const at::Tensor before = network->state()[0].second.clone();
  TrainOptions training;
  training.threat = {Norm::kLinf, 0.03};
  training.strategy = {.name = "self-gradient", .alpha = 0.03, .steps = 1};
  training.strategy.features = {{"stem", 0.1}};
  training.epochs = 1;
  training.batch_size = 16;
  training.augment = {.crop = 0, .flip = false};
  const std::atomic<bool> stop{false};
  const TrainResult result =
      Trainer(*network, testing::tiny_data(), nullptr, training).run(stop, [](const TrainEvent&) {});
  EXPECT_GT(result.step, 3);
  EXPECT_FALSE(at::equal(before, network->state()[0].second));
  network->eval();

  const std::string path = std::filesystem::temp_directory_path() / "selfgrad-layer-list-test.safetensors";
  save_network(path, *network, {});
  const auto loaded = load_network(read_safetensors(path), path);
  const at::Tensor x = listed_images(3, options.shape);
  EXPECT_TRUE(at::equal(loaded->forward(x), network->forward(x)));
  EXPECT_EQ(layers_text(loaded->options().layers), layers_text(options.layers));
  EXPECT_EQ(loaded->options().taps, options.taps);
  const auto described = described_costs(read_safetensors_header(path), path);
  ASSERT_EQ(described.size(), options.layers.size());
  EXPECT_EQ(described.back().shape, std::vector<int64_t>{4});
  std::filesystem::remove(path);
}

TEST(LayerList, ARefusedListInAFileNamesTheFile) {
  TensorFile file;
  file.metadata = describe(listed("conv channels=4 kernel=3; linear"));
  const auto damaged = [&](const std::string& layers) {
    file.metadata["model.layers"] = layers;
    return test::message_of([&] { load_network(file, "x.safetensors"); });
  };
  EXPECT_EQ(
      damaged("conv channels=4 krnel=3; linear"),
      "ERR_CHECKPOINT Expected model.layers in the metadata of x.safetensors but found one that cannot be "
      "read (Expected an option of conv for model.layers[0] but received krnel.). Use a model or "
      "checkpoint file that selfgrad wrote.");
  EXPECT_EQ(
      damaged("conv channels=4 kernel=64; linear").substr(0, 109),
      "ERR_CHECKPOINT Expected a network of this version of selfgrad in x.safetensors but it holds another. "
      "Expected");
  // 256 layers of 2^30 weights each would be a terabyte.
  std::string vast = "conv channels=16384 kernel=1; conv channels=65536 kernel=1";
  for (int i = 0; i < 100; ++i)
    vast += "; conv channels=16384 kernel=1; conv channels=65536 kernel=1";
  EXPECT_NE(damaged(vast + "; linear").find("ERR_CHECKPOINT"), std::string::npos);
  EXPECT_NE(damaged(vast + "; linear").find("parameters, which is what the file may fill"), std::string::npos)
      << damaged(vast + "; linear");
  EXPECT_NE(damaged("").find("ERR_CHECKPOINT"), std::string::npos);
}

}  // namespace
}  // namespace selfgrad
