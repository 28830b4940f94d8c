// Training: the optimiser and schedules against their formulas, strategies against their definitions, and
// runs that stop and resume to the same bytes.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "fixtures.h"
#include "io/temporary_folder.h"
#include "tiny_training.h"
#include "train/gradient_memory.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace selfgrad {
namespace {

using test::expect_same;
using test::kShape;
using test::kStrategies;
using test::temporary;
using test::tiny_network;
using test::tiny_options;
using test::train_tiny;

TEST(Sgd, FollowsTheFormulaOfPyTorch) {
  auto network = make_network(tiny_network());
  Sgd sgd(*network, 0.9, true, 0.1);
  at::Tensor weight = network->parameters()[0];
  at::Tensor w = weight.detach().clone();
  at::Tensor v = at::zeros_like(w);
  for (int step = 0; step < 3; ++step) {
    for (auto& parameter : network->parameters())
      parameter.mutable_grad() = at::ones_like(parameter) * (step + 1);
    sgd.step(0.5);
    const at::Tensor g = (step + 1) + 0.1 * w;
    v = 0.9 * v + g;
    w = w - 0.5 * (g + 0.9 * v);
    EXPECT_LT((weight - w).abs().max().item<double>(), 1e-5);
    EXPECT_FALSE(weight.grad().defined());
  }
}

TEST(Schedule, OneCycleRisesAndFallsLinearly) {
  ScheduleOptions options;
  options.warmup = 0.5;
  options.final_fraction = 0.2;
  EXPECT_NEAR(learning_rate(options, 1.0, 0, 100), 0.01, 1e-12);
  EXPECT_NEAR(learning_rate(options, 1.0, 24, 100), 0.49, 1e-12);
  EXPECT_NEAR(learning_rate(options, 1.0, 50, 100), 1.0 - 0.01 * 0.8, 1e-12);
  EXPECT_NEAR(learning_rate(options, 1.0, 99, 100), 1.0 - 0.99 * 0.8, 1e-12);
}

TEST(Schedule, StepFallsAtItsMilestones) {
  ScheduleOptions options;
  options.kind = ScheduleOptions::Kind::kStep;
  options.milestones = {0.5, 0.75};
  options.factor = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(options, 1.0, 49, 100), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate(options, 1.0, 50, 100), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(options, 1.0, 99, 100), 0.1 * 0.1);
}

struct Cost {
  int64_t forward, backward;  // an example and epoch
  int64_t training;  // of these with the graph of the weights, which are spent again for perturbed weights
  int64_t replays = 1;
};

const std::map<std::string, Cost> kCosts{
    {"standard", {1, 1, 1}}, {"pgd", {3, 3, 1}},          {"fgsm-rs", {2, 2, 1}}, {"n-fgsm", {2, 2, 1}},
    {"free", {4, 4, 4, 4}},  {"gradalign", {4, 4, 3}},    {"atta", {3, 3, 1}},    {"trades", {5, 4, 2}},
    {"mart", {4, 4, 2}},     {"self-gradient", {3, 3, 1}}};

TEST(Trainer, CountsThePassesOfEachStrategy) {
  ASSERT_EQ(kCosts.size(), kStrategies.size());
  for (const auto& [strategy, cost] : kCosts) {
    for (const double gamma : {0.0, 0.005}) {
      TrainOptions options = tiny_options(strategy);
      options.weight_perturbation = gamma;
      const auto result = train_tiny(options).result;
      const int64_t again = gamma > 0 ? cost.training : 0;
      EXPECT_EQ(result.passes.forward, 2 * 72 * (cost.forward + again)) << strategy << " " << gamma;
      EXPECT_EQ(result.passes.backward, 2 * 72 * (cost.backward + again)) << strategy << " " << gamma;
      EXPECT_EQ(result.weight_gradients, 2 * 72 * (cost.training + again)) << strategy << " " << gamma;
      EXPECT_EQ(result.steps, 2 * 5 * cost.replays) << "five batches, the last of 8 images";
      EXPECT_TRUE(result.completed);
    }
  }
}

TEST(Trainer, LearnsThePatternWithEveryStrategy) {
  const Dataset data = test::pattern_dataset(72, kShape, 4);
  for (const auto& strategy : kStrategies) {
    TrainOptions options = tiny_options(strategy);
    options.threat.eps = 4.0 / 255.0;
    options.strategy.alpha = 2.0 / 255.0;
    options.epochs = 12;
    auto network = make_network(tiny_network());
    const std::atomic<bool> stop{false};
    double accuracy = 0;
    Trainer(*network, data, nullptr, options).run(stop, [&](const TrainEvent& event) {
      if (event.kind == TrainEvent::Kind::kEpoch) accuracy = event.accuracy;
    });
    EXPECT_GT(accuracy, 0.9) << strategy;
  }
}

TEST(Trainer, StopsAfterAFractionOfAnEpoch) {
  TrainOptions options = tiny_options("standard");
  options.epochs = 1.4;
  EXPECT_EQ(train_tiny(options).result.steps, 7);
}

TEST(Trainer, ResumesToTheBytesOfARunThatNeverStopped) {
  for (const auto& strategy : kStrategies) {
    const std::string path = temporary(strategy);
    const NamedTensors straight = train_tiny(tiny_options(strategy)).state;
    TrainOptions options = tiny_options(strategy);
    options.checkpoint_path = path;
    const auto interrupted = train_tiny(options, {.cancel_epoch = 1});
    EXPECT_FALSE(interrupted.result.completed);
    EXPECT_EQ(interrupted.result.step, 5 * kCosts.at(strategy).replays);
    options.resume_path = path;
    const auto resumed = train_tiny(options);
    EXPECT_TRUE(resumed.result.completed);
    EXPECT_EQ(resumed.result.passes.forward, train_tiny(tiny_options(strategy)).result.passes.forward);
    expect_same(resumed.state, straight);
    std::filesystem::remove(path);
  }
}

TEST(Trainer, GoesOnFromTheCheckpointBeforeADamagedOne) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("checkpoint.safetensors");
  const std::string previous = folder.file("checkpoint.previous.safetensors");
  TrainOptions options = tiny_options("self-gradient");
  options.epochs = 4;
  const NamedTensors straight = train_tiny(options).state;
  options.checkpoint_path = path;
  options.checkpoint_every = 1;
  EXPECT_FALSE(train_tiny(options, {.cancel_epoch = 3}).result.completed);
  ASSERT_TRUE(std::filesystem::exists(previous));
  std::string bytes = testing::file_bytes(path);
  bytes[bytes.size() - 100] ^= 4;
  testing::write_bytes(path, bytes);
  options.resume_path = path;
  const std::string refusal = test::message_of([&] { train_tiny(options); });
  EXPECT_NE(refusal.find("other bytes than were written"), std::string::npos) << refusal;
  const std::string advice =
      " The checkpoint before it is " + previous + ": rename it to " + path + " and resume from there.";
  EXPECT_EQ(refusal.substr(refusal.size() - std::min(refusal.size(), advice.size())), advice);
  std::filesystem::rename(previous, path);
  const auto resumed = train_tiny(options);
  EXPECT_TRUE(resumed.result.completed);
  expect_same(resumed.state, straight);
  EXPECT_EQ(folder.entries(), 1) << "a run that is complete keeps one";
}

TEST(Trainer, ACancelledStepLeavesNothingBehind) {
  const std::string path = temporary("cancelled");
  auto network = make_network(tiny_network());
  NamedTensors before;
  for (const auto& [name, tensor] : network->state())
    before.emplace_back(name, tensor.clone());
  const Dataset data = test::pattern_dataset(72, kShape, 4);
  TrainOptions options = tiny_options("pgd");
  options.checkpoint_path = path;
  const std::atomic<bool> stop{true};
  const TrainResult result = Trainer(*network, data, nullptr, options).run(stop, [](const TrainEvent&) {});
  EXPECT_EQ(result.step, 0);
  expect_same(network->state(), before);
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST(Trainer, RefusesACheckpointOfAnotherRun) {
  const std::string path = temporary("other");
  TrainOptions options = tiny_options("standard");
  options.checkpoint_path = path;
  options.metadata = {{"run", "a"}};
  train_tiny(options);
  options.resume_path = path;
  options.metadata = {{"run", "b"}};
  EXPECT_EQ(test::message_of([&] { train_tiny(options); }),
            "ERR_CHECKPOINT Expected a checkpoint of the same run for " + path +
                " but its run differs. Resume with the configuration and data that it was made with, or "
                "start afresh "
                "in another directory.");
  std::filesystem::remove(path);
}

TEST(Trainer, RefusesDataThatDoNotFitTheNetwork) {
  const Dataset wide = test::pattern_dataset(8, {1, 8, 9}, 4);
  EXPECT_THROW(train_tiny(tiny_options("standard"), {.data = &wide}), Error);
  const Dataset more = test::pattern_dataset(8, kShape, 5);
  EXPECT_THROW(train_tiny(tiny_options("standard"), {.data = &more}), Error);
}

TEST(Trainer, SaysWhenTheLossIsNotFinite) {
  TrainOptions options = tiny_options("standard");
  options.lr = 1e20;
  options.schedule.kind = ScheduleOptions::Kind::kConstant;
  EXPECT_EQ(test::message_of([&] { train_tiny(options); }).substr(0, 11), "ERR_NUMERIC");
}

TEST(Trainer, DrawsDoNotDependOnTheNumberOfThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = train_tiny(tiny_options("self-gradient"));
  at::set_num_threads(3);
  const auto three = train_tiny(tiny_options("self-gradient"));
  at::set_num_threads(threads);
  // Sums may differ in the last bits; another draw would show at once.
  for (size_t i = 0; i < one.state.size(); ++i)
    EXPECT_LT((one.state[i].second.to(at::kDouble) - three.state[i].second.to(at::kDouble))
                  .abs()
                  .max()
                  .item<double>(),
              1e-3)
        << one.state[i].first;
}

TEST(GradientMemory, RemembersWithinHalfAByteStep) {
  const double eps = 8.0 / 255.0;
  GradientMemory memory(10, kShape, eps);
  const at::Tensor indices = at::arange(3, 7);
  const std::vector<Transform> none(4);
  const at::Tensor delta = uniform({1, Purpose::kTrainStart, 0}, indices, {1, 8, 8}, -eps, eps);
  EXPECT_FALSE(memory.read(indices, none).visited.any().item<bool>());
  memory.write(indices, none, delta);
  EXPECT_TRUE(memory.read(indices, none).visited.all().item<bool>());
  EXPECT_FALSE(memory.read(at::arange(0, 3), {{}, {}, {}}).visited.any().item<bool>());
  EXPECT_LE((memory.read(indices, none).delta - delta).abs().max().item<double>(), eps / 127 / 2 * 1.001);
}

TEST(GradientMemory, IsTheSameInAMappedFile) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "selfgrad-mapped-memory";
  std::filesystem::create_directory(folder);
  GradientMemory mapped(10, kShape, 0.1, folder.string());
  GradientMemory held(10, kShape, 0.1);
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "the file has no name while it is used";
  const at::Tensor indices = at::arange(2, 5);
  const at::Tensor delta = uniform({1, Purpose::kTrainStart, 0}, indices, {1, 8, 8}, -0.1, 0.1);
  for (GradientMemory* memory : {&mapped, &held})
    memory->write(indices, std::vector<Transform>(3), delta);
  for (GradientMemory* memory : {&mapped, &held})
    memory->will_need(at::arange(0, 10));
  EXPECT_TRUE(at::equal(mapped.rows()[0].second, held.rows()[0].second));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(test::message_of([&] { GradientMemory(10, kShape, 0.1, folder.string()); }).substr(0, 9),
            "ERR_WRITE");
}

}  // namespace
}  // namespace selfgrad
