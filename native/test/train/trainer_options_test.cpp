// What every strategy can be combined with, through the trainer: averaged and perturbed weights, and each
// ingredient of self-gradient, over a stop and a resume.
#include <ATen/TensorOperators.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "evaluate/evaluator.h"
#include "nn/model_file.h"
#include "tiny_training.h"

namespace selfgrad {
namespace {

using test::expect_same;
using test::kShape;
using test::kStrategies;
using test::temporary;
using test::tiny_network;
using test::tiny_options;
using test::train_tiny;

struct Pair {
  test::Outcome straight, resumed;
};

// The run in one go, and the same run stopped behind `epoch` epochs and resumed.
Pair with_and_without_a_stop(const TrainOptions& options, int64_t epoch, const std::string& name) {
  TrainOptions stopped = options;
  stopped.checkpoint_path = temporary(name);
  EXPECT_FALSE(train_tiny(stopped, {.cancel_epoch = epoch}).result.completed);
  stopped.resume_path = stopped.checkpoint_path;
  Pair pair{train_tiny(options), train_tiny(stopped)};
  EXPECT_TRUE(pair.resumed.result.completed);
  EXPECT_EQ(pair.straight.result.passes.forward, pair.resumed.result.passes.forward);
  std::filesystem::remove(stopped.checkpoint_path);
  return pair;
}

TEST(TrainerOptions, AveragedAndPerturbedWeightsResumeToTheSameBytes) {
  for (const std::string strategy : {"fgsm-rs", "trades", "free", "self-gradient"}) {
    TrainOptions options = tiny_options(strategy);
    options.average_decay = 0.9;
    options.weight_perturbation = 0.01;
    const auto [straight, resumed] = with_and_without_a_stop(options, 1, "options-" + strategy);
    expect_same(resumed.state, straight.state, strategy);
  }
}

TEST(TrainerOptions, EqualClassWeightsOfAnySizeChangeNothing) {
  for (const std::string& strategy : kStrategies) {
    TrainOptions options = tiny_options(strategy);
    options.label_smoothing = 0.1;
    const test::Outcome plain = train_tiny(options);
    options.class_weights = at::full({4}, 2.0F);  // a power of two: no rounding either
    expect_same(train_tiny(options).state, plain.state, strategy);
  }
}

TEST(TrainerOptions, AClassOfNoWeightIsNotLearnt) {
  for (const std::string& strategy : kStrategies) {
    // Two terms of TRADES and MART are not the cross-entropy: they tell nothing of labels or little.
    if (strategy == "trades" || strategy == "mart") continue;
    TrainOptions options = tiny_options(strategy);
    options.weight_decay = 0;
    options.class_weights = at::tensor({1.0F, 1.0F, 0.0F, 1.0F});
    const test::Outcome outcome = train_tiny(options);
    // The last layer's.
    const auto bias = std::find_if(outcome.state.rbegin(), outcome.state.rend(),
                                   [](const auto& named) { return named.first.ends_with(".bias"); });
    EXPECT_EQ(bias->second.argmin().item<int64_t>(), 2) << strategy << " " << bias->first;
  }
}

TEST(TrainerOptions, EveryIngredientOfSelfGradientResumesToTheSameBytes) {
  TrainOptions options = tiny_options("self-gradient");
  options.epochs = 5;
  StrategyOptions& strategy = options.strategy;
  strategy.steps = 1;
  strategy.relay = 3;
  strategy.fresh_weight = 0.5;
  strategy.noise = 0.1;
  strategy.momentum = 0.5;
  strategy.refresh = 0.5;
  strategy.consistency = 0.1;
  strategy.features = {{"stage1", 0.05}};
  strategy.alarm = true;
  strategy.adaptive_step = true;
  using Memory = StrategyOptions::Memory;
  for (const Memory memory : {Memory::kExample, Memory::kClass, Memory::kUniversal, Memory::kNone}) {
    strategy.memory = memory;
    // Fifteen steps an epoch: the sentinel is awake when the run stops.
    const auto [straight, resumed] = with_and_without_a_stop(options, 4, "ingredients");
    expect_same(resumed.state, straight.state, "memory " + std::to_string(static_cast<int>(memory)));
  }
  strategy.steps = 0;
  for (const Memory memory : {Memory::kExample, Memory::kClass}) {
    strategy.memory = memory;
    strategy.features.clear();
    const auto [straight, resumed] = with_and_without_a_stop(options, 2, "no-steps");
    expect_same(resumed.state, straight.state,
                "no steps, memory " + std::to_string(static_cast<int>(memory)));
  }
}

TEST(TrainerOptions, ACompletedRunLeavesTheAveragedWeightsHereAndInItsCheckpoint) {
  const std::string path = temporary("average");
  TrainOptions options = tiny_options("fgsm-rs");
  const NamedTensors raw = train_tiny(options).state;
  options.average_decay = 0.9;
  options.checkpoint_path = path;
  const NamedTensors averaged = train_tiny(options).state;
  const TensorFile file = read_safetensors(path);
  const NamedTensors loaded = load_network(file, path)->state();
  ASSERT_EQ(averaged.size(), raw.size());
  bool differs = false;
  for (size_t i = 0; i < raw.size(); ++i) {
    const auto& [name, tensor] = averaged[i];
    EXPECT_TRUE(at::equal(file.at("average." + name), tensor)) << name;
    EXPECT_TRUE(at::equal(loaded[i].second, tensor)) << name;
    EXPECT_TRUE(at::equal(file.at(name), raw[i].second)) << name << ": averaging changes no step";
    differs = differs || !at::equal(tensor, raw[i].second);
  }
  EXPECT_TRUE(differs);
  std::filesystem::remove(path);
}

TEST(TrainerOptions, ValidationSeesTheAveragedWeights) {
  const Dataset data = test::pattern_dataset(72, kShape, 4);
  TrainOptions options = tiny_options("standard");
  options.epochs = 3;
  options.lr = 0.05;
  options.average_decay = 0.9;
  options.validate_every = 3;
  options.validate_count = 72;
  options.validate_attack = {.name = "fgsm", .threat = options.threat};
  const std::string path = temporary("validation");
  options.checkpoint_path = path;
  const auto network = make_network(tiny_network());
  int64_t validated = -1;
  at::Tensor weight;
  const std::atomic<bool> stop{false};
  Trainer(*network, data, &data, options).run(stop, [&](const TrainEvent& event) {
    if (event.kind != TrainEvent::Kind::kEval) return;
    validated = event.clean;
    weight = network->state()[0].second.detach().clone();
  });
  const TensorFile file = read_safetensors(path);
  const std::string name = network->state()[0].first;
  EXPECT_TRUE(at::equal(weight, file.at("average." + name)));
  EXPECT_FALSE(at::equal(weight, file.at(name)));
  EvaluateOptions evaluation;
  evaluation.count = 72;
  evaluation.attacks = {options.validate_attack};
  const auto left = evaluate([&](const at::Tensor& x) { return network->forward(x); }, data, evaluation, stop,
                             [](const EvaluateProgress&) {});
  EXPECT_EQ(left.clean, validated);
  std::filesystem::remove(path);
}

TEST(TrainerOptions, APerturbationOfNoLengthChangesNothingButThePasses) {
  for (const std::string strategy : {"standard", "mart"}) {
    TrainOptions options = tiny_options(strategy);
    const auto plain = train_tiny(options);
    options.weight_perturbation = 1e-12;
    const auto perturbed = train_tiny(options);
    options.weight_perturbation = 0.05;
    const auto far = train_tiny(options);
    EXPECT_GT(perturbed.result.passes.forward, plain.result.passes.forward);
    double apart = 0;
    for (size_t i = 0; i < plain.state.size(); ++i) {
      const auto& [name, tensor] = plain.state[i];
      // Statistics of batch normalisation see each training image twice.
      if (name.find("running") != std::string::npos || name.find("tracked") != std::string::npos) continue;
      const auto distance = [&](const test::Outcome& other) {
        return (tensor - other.state[i].second).abs().max().item<double>();
      };
      EXPECT_LT(distance(perturbed), 1e-4) << strategy << " " << name;
      apart = std::max(apart, distance(far));
    }
    EXPECT_GT(apart, 1e-3) << strategy;
  }
}

}  // namespace
}  // namespace selfgrad
