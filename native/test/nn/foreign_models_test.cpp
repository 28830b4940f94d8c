// Models that users bring, against PyTorch: reference/make_foreign_models.py wrote the files.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>

#include "fixtures.h"
#include "io/temporary_folder.h"
#include "nn/script_network.h"
#include "nn/state_dict.h"

namespace selfgrad {
namespace {

std::string foreign_file(const std::string& name) {
  return (std::filesystem::path(__FILE__).parent_path() / "reference" / name).string();
}

at::Tensor foreign_reference(const std::string& name) {
  return read_safetensors(foreign_file("foreign_reference.safetensors")).at(name);
}

double largest_error(const at::Tensor& ours, const at::Tensor& theirs) {
  return (ours - theirs).abs().max().item<double>();
}

const std::atomic<bool> kGoOn{false};
const ScriptOptions kScript{{1, 8, 8}, {0.5}, {0.25}};

TEST(ScriptNetwork, ProducesPyTorchLogitsAndGradientsInEvaluationMode) {
  const auto script = load_script(foreign_file("script_model.pt"), kScript);
  EXPECT_EQ(script->classes(), 3);
  EXPECT_EQ(script->parameter_count(), (9 + 1) * 2 + 2 * 2 + (128 + 1) * 3);
  const at::Tensor x = foreign_reference("script.images").requires_grad_();
  const at::Tensor logits = script->logits(x, kGoOn);
  EXPECT_LE(largest_error(logits, foreign_reference("script.logits")), 1e-6);
  const at::Tensor labels = at::tensor({0, 1, 2, 0}, at::kLong);
  const at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
  const at::Tensor gradient = torch::autograd::grad({loss}, {x}, {}, std::nullopt, /*create_graph=*/true)[0];
  EXPECT_LE(largest_error(gradient, foreign_reference("script.gradient")), 1e-6);
  // Stability needs second derivatives; weights need none.
  EXPECT_GT(torch::autograd::grad({gradient.pow(2).sum()}, {x})[0].abs().max().item<double>(), 0);
  EXPECT_EQ(largest_error(script->logits(x.detach(), kGoOn), logits.detach()), 0);
}

TEST(ScriptNetwork, RefusesFilesThatAreNoTorchScript) {
  const auto refusal = [](const std::string& path, const ScriptOptions& options) {
    return test::message_of([&] { load_script(path, options); });
  };
  const std::string state_dict = foreign_file("script_state_dict.pt");
  EXPECT_EQ(refusal(state_dict, kScript),
            "ERR_CHECKPOINT Expected a TorchScript model in " + state_dict +
                " but received an archive without code, as torch.save writes. Write it with "
                "torch.jit.trace(model.eval(), example).save(path).");
  const std::string model = foreign_file("script_model.pt");
  const std::string misfit = refusal(model, {{3, 8, 8}, {0, 0, 0}, {1, 1, 1}});
  EXPECT_NE(misfit.find("but received one that fails on two images of 3x8x8 ("), std::string::npos) << misfit;
  EXPECT_NE(misfit.find("as inputShape."), std::string::npos) << misfit;
  const testing::TemporaryFolder folder;
  const std::string whole = testing::file_bytes(model);
  for (const size_t size : {size_t{0}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    const std::string cut = folder.file("cut.pt");
    testing::write_bytes(cut, whole.substr(0, size));
    const std::string sentence = refusal(cut, kScript);
    EXPECT_EQ(sentence.rfind("ERR_CHECKPOINT Expected a TorchScript model in " + cut, 0), 0) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
}

NetworkOptions dict_options(const std::string& architecture, std::vector<int64_t> depths, int64_t width) {
  NetworkOptions options;
  options.architecture = architecture;
  options.shape = {3, 8, 8};
  options.depths = std::move(depths);
  options.width = width;
  return options;
}

TEST(StateDict, ProducesPyTorchLogitsOfThePlainForm) {
  const std::string path = foreign_file("plain_state_dict.safetensors");
  const auto network =
      load_state_dict(read_safetensors(path), dict_options("preact-resnet", {1, 1}, 4), path);
  EXPECT_EQ(network->options().architecture, "preact-resnet-plain");
  EXPECT_EQ(network->classes(), 5);
  EXPECT_FALSE(network->is_training());
  const at::Tensor logits = network->logits(foreign_reference("plain.images"), kGoOn);
  EXPECT_LE(largest_error(logits, foreign_reference("plain.logits")), 1e-5);
}

// The networks of network_reference.safetensors under the names of other people's files.
struct DictCase {
  std::string name, prefix;
  NetworkOptions options;
};
class StateDictReference : public ::testing::TestWithParam<DictCase> {
 protected:
  TensorFile file() const {
    TensorFile renamed;
    const std::string before = GetParam().name + ".before.";
    for (const auto& [name, tensor] : source_.tensors)
      if (name.starts_with(before))
        renamed.tensors.emplace_back(GetParam().prefix + name.substr(before.size()), tensor);
    return renamed;
  }
  NetworkOptions options() const {
    NetworkOptions options = GetParam().options;
    options.mean = {0.5, 0.4, 0.3};
    options.std = {0.2, 0.25, 0.3};
    return options;
  }
  void expect_reference(const TensorFile& file, const NetworkOptions& options, double allowed) const {
    const auto network = load_state_dict(file, options, "file");
    const at::Tensor images = source_.at("pixels").to(at::kFloat) / 255;
    EXPECT_LE(largest_error(network->logits(images, kGoOn), source_.at(GetParam().name + ".logits")),
              allowed);
  }
  TensorFile source_ = read_safetensors(foreign_file("network_reference.safetensors"));
};

INSTANTIATE_TEST_SUITE_P(
    PyTorch, StateDictReference,
    ::testing::Values(DictCase{"preact", "module.", dict_options("preact-resnet", {1, 2}, 4)},
                      DictCase{"wide", "module.model.", dict_options("wide-resnet", {1, 1, 1}, 1)},
                      DictCase{"cnn", "", dict_options("small-cnn", {}, 3)}),
    [](const auto& info) { return info.param.name; });

TEST_P(StateDictReference, ProducesPyTorchLogits) {
  expect_reference(file(), options(), 1e-5);
}

TEST_P(StateDictReference, TakesTheNormalisationOfTheFile) {
  TensorFile with_buffers = file();
  with_buffers.tensors.emplace_back(GetParam().prefix + "mu", at::tensor({0.5, 0.4, 0.3}).view({1, 3, 1, 1}));
  with_buffers.tensors.emplace_back(GetParam().prefix + "sigma", at::tensor({0.2, 0.25, 0.3}));
  expect_reference(with_buffers, GetParam().options, 1e-5);
  EXPECT_EQ(
      test::message_of([&] { load_state_dict(with_buffers, options(), "file"); }),
      "ERR_CHECKPOINT Expected no mean and std beside those of file (mu, sigma) but received some. Leave "
      "them out: the file's are used.");
}

TEST_P(StateDictReference, LeavesOutWhatIsNeverRunAndReadsHalfPrecision) {
  TensorFile half;
  for (const auto& [name, tensor] : file().tensors)
    if (!name.ends_with("num_batches_tracked")) half.tensors.emplace_back(name, tensor.to(at::kHalf));
  half.tensors.emplace_back(GetParam().prefix + "sub_block1.layer.0.conv1.weight", at::ones({2}));
  expect_reference(half, options(), 0.02);
}

TEST(StateDict, ListsWhatDoesNotFit) {
  const std::string path = foreign_file("plain_state_dict.safetensors");
  TensorFile file = read_safetensors(path);
  std::erase_if(file.tensors, [](const auto& item) { return item.first == "module.layer1.0.bn1.weight"; });
  file.tensors.emplace_back("module.extra", at::ones({1}));
  for (auto& [name, tensor] : file.tensors)
    if (name == "module.linear.bias") tensor = at::ones({6});
  EXPECT_EQ(test::message_of([&] {
              load_state_dict(file, dict_options("preact-resnet", {1, 1}, 4), "weights");
            }),
            "ERR_CHECKPOINT Expected the tensors of preact-resnet-plain with width 4 in weights but received "
            "others. "
            "Missing (1): layer1.0.bn1.weight. Unknown (1): extra. Of another shape (1): linear.bias [6] "
            "instead of "
            "[5]. Name the architecture that the file was made for.");
}

NetworkOptions listed_options(const std::string& layers) {
  NetworkOptions options = dict_options("layers", {}, 1);
  options.layers = parse_layers(layers);
  return options;
}

// What PyTorch computed of a network whose modules are renamed to those of an nn.Sequential with nn.ReLU and
// nn.Flatten.
TEST(StateDict, AListTakesTheModulesOfAnNnSequentialInTheirOrder) {
  const TensorFile source = read_safetensors(foreign_file("network_reference.safetensors"));
  for (const std::string prefix : {"", "module.", "module.features.", "layers."}) {
    TensorFile file;
    for (const auto& [from, to] : {std::pair{"conv1", "0"}, {"conv2", "2"}, {"fc1", "9"}, {"fc2", "11"}})
      for (const std::string kind : {".weight", ".bias"})
        file.tensors.emplace_back(prefix + to + kind, source.at("cnn.before." + (from + kind)));
    file.tensors.emplace_back("mu", at::tensor({0.5, 0.4, 0.3}));
    file.tensors.emplace_back("sigma", at::tensor({0.2, 0.25, 0.3}));
    const auto network = load_state_dict(
        file,
        listed_options(
            "conv channels=3 kernel=4 stride=2 padding=1 bias=1; activation; conv channels=6 kernel=4 "
            "stride=2 padding=1 bias=1; tap place=a; activation; linear features=100; activation; linear"),
        "file");
    EXPECT_EQ(network->classes(), 5);
    const at::Tensor images = source.at("pixels").to(at::kFloat) / 255;
    EXPECT_LE(largest_error(network->logits(images, kGoOn), source.at("cnn.logits")), 1e-5) << prefix;
  }
}

TEST(StateDict, AListReadsBackItsOwnStateAndListsWhatDoesNotFit) {
  NetworkOptions options = listed_options(
      "conv channels=4 kernel=3 padding=1; norm-activation; residual channels=4 blocks=2; bottleneck "
      "channels=8 "
      "stride=2; norm-activation; global-average-pool; linear");
  options.classes = 3;
  options.mean = {0, 0, 0};
  options.std = {1, 1, 1};
  options.seed = 5;
  const auto network = make_network(options);
  network->eval();
  TensorFile file;
  for (const auto& [name, tensor] : network->state())
    if (!name.starts_with("normalize.")) file.tensors.emplace_back(name, tensor);
  options.seed = 6;
  options.mean = {};
  options.std = {};
  const at::Tensor images = at::ones({2, 3, 8, 8}) * 0.3;
  const auto loaded = load_state_dict(file, options, "file");
  EXPECT_EQ(loaded->classes(), 3);
  EXPECT_TRUE(loaded->logits(images, kGoOn).equal(network->logits(images, kGoOn)));

  file.tensors.emplace_back("layers.7.weight", at::ones({2}));
  file.tensors.emplace_back("scale", at::ones({1}));
  for (auto& [name, tensor] : file.tensors)
    if (name == "layers.0.weight") tensor = at::ones({4, 3, 5, 5});
  std::erase_if(file.tensors, [](const auto& item) { return item.first == "layers.3.0.bn3.bias"; });
  EXPECT_EQ(
      test::message_of([&] { load_state_dict(file, options, "weights"); }),
      "ERR_CHECKPOINT Expected the tensors of layers in weights but received others. Missing (1): "
      "layers.3.0.bn3.bias. Unknown (2): layers.7.weight of the file, scale. Of another shape (3): "
      "layers.0.weight [4, 3, 5, 5] instead of [4, 3, 3, 3], layers.6.weight [3, 8] instead of [10, 8], "
      "layers.6.bias [3] instead of [10]. List the layers that the file was made for.");
}

TEST(StateDict, RefusesSizesThatOnlyAnEmptyTensorClaims) {
  const auto refused = [](const std::string& name, at::IntArrayRef sizes) {
    const TensorFile file{{}, {{name, at::empty(sizes)}}};
    return test::message_of([&] { load_state_dict(file, dict_options("preact-resnet", {1}, 4), "weights"); });
  };
  const int64_t vast = int64_t{1} << 40;
  EXPECT_EQ(
      refused("linear.weight", {vast, 0}),
      "ERR_CHECKPOINT Expected 1 to 4096 channels and 2 to 1048576 classes in weights but received 3 and "
      "1099511627776. Name the architecture that the file was made for.");
  EXPECT_EQ(refused("conv1.weight", {0, vast}),
            "ERR_CHECKPOINT Expected 1 to 4096 channels and 2 to 1048576 classes in weights but received "
            "1099511627776 and 10. Name the architecture that the file was made for.");
}

TEST(StateDict, RefusesAnArchitectureFarLargerThanTheFile) {
  const TensorFile file{{}, {{"linear.weight", at::ones({10, 4})}}};
  EXPECT_EQ(test::message_of(
                [&] { load_state_dict(file, dict_options("preact-resnet", {4096}, 4096), "weights"); }),
            "ERR_CHECKPOINT Expected a network of at most 268435496 parameters, which is what the file may "
            "fill, but received a larger one. Name the architecture that the file was made for.");
}

TEST(StateDict, RefusesAMeanOfAnotherLength) {
  const TensorFile file{{}, {{"mu", at::ones({1000})}, {"sigma", at::ones({3})}}};
  EXPECT_EQ(
      test::message_of([&] { load_state_dict(file, dict_options("preact-resnet", {1}, 4), "weights"); }),
      "ERR_CHECKPOINT Expected 3 values, one a channel, for mu of weights but received 1000.");
}

}  // namespace
}  // namespace selfgrad
