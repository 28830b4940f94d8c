// Draws, data, networks and training on the emulated GPU: what the CPU gives, and nothing left on the CPU.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "emulated_cuda.h"
#include "emulated_device.h"
#include "kernels/cuda/table.h"
#include "tensor/philox.h"
#include "train/gradient_memory.h"
#include "train/tiny_training.h"

namespace selfgrad {
namespace {

using test::kGpu;
using test::kShape;
using test::PluginGuard;
using test::tiny_options;

TEST(EmulatedCuda, RefusesTensorsOfTwoDevices) {
  const at::Tensor there = at::ones({3}, at::device(kGpu));
  EXPECT_TRUE(at::equal((there + 1).cpu(), at::full({3}, 2.0F)));
  EXPECT_THROW(there + at::ones({3}), c10::Error);
}

TEST(EmulatedCuda, CountsWhatTheHostWaitsFor) {
  const at::Tensor there = at::ones({3}, at::device(kGpu));
  test::forget_traffic();
  const at::Tensor more = there * 2 + 1;
  EXPECT_EQ(test::traffic().waits, 0);
  EXPECT_EQ(more.sum().item<float>(), 9);
  EXPECT_EQ(more.nonzero().size(0), 3);
  EXPECT_EQ(test::traffic().waits, 2);
}

TEST(EmulatedCuda, EndsAProgramThatReadsItsMemory) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        const at::Tensor there = at::ones({3}, at::device(kGpu));
        std::fprintf(stderr, "%f", static_cast<double>(*there.const_data_ptr<float>()));
      },
      "");
}

class Draws : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) plugin_.emplace();
  }
  std::optional<PluginGuard> plugin_;
};
INSTANTIATE_TEST_SUITE_P(Plugin, Draws, testing::Values(false, true));

TEST_P(Draws, AreTheSameBitsOnEveryDevice) {
  const DrawKey key{.seed = 0x123456789ABCULL, .purpose = Purpose::kAttackStart, .round = 3};
  const at::Tensor indices = at::arange(5, at::kLong) * 1000;
  for (const int64_t size : {1, 3, 4, 49}) {
    const at::Tensor there = uniform(key, indices, {size, 3}, -0.3, 0.7, 5, kGpu);
    EXPECT_EQ(there.device(), kGpu);
    EXPECT_TRUE(at::equal(there.cpu(), uniform(key, indices, {size, 3}, -0.3, 0.7, 5)));
  }
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    EXPECT_TRUE(at::equal(random_start({norm, 0.1}, key, indices, {2, 3, 3}, kGpu).cpu(),
                          random_start({norm, 0.1}, key, indices, {2, 3, 3}, at::kCPU)));
    EXPECT_TRUE(at::equal(random_surface_start({norm, 0.1}, key, indices, {2, 3, 3}, kGpu).cpu(),
                          random_surface_start({norm, 0.1}, key, indices, {2, 3, 3}, at::kCPU)));
  }
}

TEST(Augmentation, ReadsAndWritesTheSameBytesOnTheGpu) {
  const PluginGuard plugin;
  at::manual_seed(1);
  const at::Tensor pixels = at::randint(0, 256, {6, 3, 5, 7}, at::kByte);
  const at::Tensor memory = at::randint(-127, 128, {6, 3, 5, 7}, at::kChar);
  const at::Tensor indices = at::tensor({5, 0, 2, 3}, at::kLong);
  const std::vector<Transform> transforms{{0, 0, false}, {-2, 3, true}, {4, -6, false}, {5, 0, true}};
  EXPECT_TRUE(at::equal(augment_images(pixels.to(kGpu), indices, transforms).cpu(),
                        augment_images(pixels, indices, transforms)));
  EXPECT_TRUE(at::equal(read_through(memory.to(kGpu), indices, transforms, 0.01F).cpu(),
                        read_through(memory, indices, transforms, 0.01F)));
  const at::Tensor values = at::randn({4, 3, 5, 7});
  at::Tensor here = memory.clone(), there = memory.to(kGpu);
  write_through(here, indices, transforms, values, 0.01F);
  write_through(there, indices, transforms, values.to(kGpu), 0.01F);
  EXPECT_FALSE(at::equal(here, memory));
  EXPECT_TRUE(at::equal(there.cpu(), here));
}

TEST(GradientMemory, StaysOnTheGpuWhereItFitsAndSaysTheSame) {
  const PluginGuard plugin;
  const at::Tensor indices = at::tensor({7, 2}, at::kLong);
  const std::vector<Transform> transforms{{1, 0, true}, {0, -1, false}};
  at::manual_seed(2);
  const at::Tensor delta = 0.1 * at::randn({2, 1, 8, 8});
  const auto remembered = [&](at::Device device) {
    GradientMemory memory(10, kShape, 0.1, "", device);
    memory.write(indices, transforms, delta.to(device));
    memory.forget(at::tensor({2}, at::kLong));
    EXPECT_EQ(memory.read(indices, transforms).delta.device(), device);
    return std::pair{memory.rows()[0].second, memory.read(indices, transforms).delta.cpu()};
  };
  const auto [kept, read] = remembered(at::kCPU);
  const auto [kept_there, read_there] = remembered(kGpu);
  EXPECT_TRUE(kept_there.is_cuda());
  EXPECT_TRUE(at::equal(kept_there.cpu(), kept));
  EXPECT_TRUE(at::equal(read_there, read));
  cuda::emulated_free_bytes = 100;
  const auto [kept_here, read_here] = remembered(kGpu);
  cuda::emulated_free_bytes = int64_t{1} << 30;
  EXPECT_TRUE(kept_here.is_cpu());
  EXPECT_TRUE(at::equal(read_here, read));
}

/// As test::train_tiny, on a device.
test::Outcome train_on(at::Device device, TrainOptions options, int64_t cancel_epoch = -1) {
  static const Dataset data = test::pattern_dataset(72, kShape, 4);
  const auto network = make_network(test::tiny_network());
  network->move_to(device);
  options.device = device;
  std::atomic<bool> stop{false};
  Trainer trainer(*network, data, &data, std::move(options));
  const TrainResult result = trainer.run(stop, [&](const TrainEvent& event) {
    if (event.kind == TrainEvent::Kind::kEpoch && event.epoch + 1 == cancel_epoch) stop = true;
  });
  NamedTensors state;
  for (const auto& [name, tensor] : network->state()) {
    EXPECT_EQ(tensor.device(), device) << name;
    state.emplace_back(name, tensor.cpu());
  }
  return {result, state};
}

double largest_difference(const NamedTensors& a, const NamedTensors& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, (a[i].second - b[i].second).abs().max().item<double>());
  return largest;
}

struct Training {
  std::string strategy;
  bool plugin;
};
class TrainerOnGpu : public testing::TestWithParam<Training> {};

TEST_P(TrainerOnGpu, TakesTheStepOfTheCpu) {
  std::optional<PluginGuard> plugin;
  if (GetParam().plugin) plugin.emplace();
  TrainOptions options = tiny_options(GetParam().strategy);
  options.epochs = 0.2;  // one step
  options.lr = 0.1;
  options.schedule.kind = ScheduleOptions::Kind::kConstant;
  options.average_decay = 0.9;
  options.label_smoothing = 0.1;
  options.class_weights = at::tensor({1.0F, 2.0F, 1.0F, 0.5F});
  options.weight_perturbation = 0.01;
  options.validate_every = 1;
  options.validate_count = 8;
  options.validate_attack.name = "pgd";
  options.strategy.features = {{"stage1", 0.1}};
  EXPECT_LT(largest_difference(train_on(kGpu, options).state, train_on(at::kCPU, options).state), 2e-3);
}

TEST_P(TrainerOnGpu, ResumesToTheSameBytes) {
  std::optional<PluginGuard> plugin;
  if (GetParam().plugin) plugin.emplace();
  TrainOptions options = tiny_options(GetParam().strategy);
  options.strategy.relay = GetParam().strategy == "self-gradient" ? 2 : 1;
  options.strategy.refresh = 0.5;
  options.strategy.alarm = true;
  const test::Outcome whole = train_on(kGpu, options);
  options.checkpoint_path = test::temporary("gpu");
  train_on(kGpu, options, /*cancel_epoch=*/1);
  options.resume_path = options.checkpoint_path;
  const test::Outcome resumed = train_on(kGpu, options);
  std::filesystem::remove(options.checkpoint_path);
  test::expect_same(resumed.state, whole.state, GetParam().strategy);
}

std::vector<Training> every_training() {
  std::vector<Training> all;
  for (const std::string& strategy : test::kStrategies)
    for (const bool plugin : {false, true})
      all.push_back({strategy, plugin});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Strategies, TrainerOnGpu, testing::ValuesIn(every_training()), [](const auto& info) {
  std::string name = info.param.strategy + (info.param.plugin ? "_plugin" : "_plain");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(SelfGradientOnGpu, KnowsEveryMemoryAndReadsDataThatDoNotFit) {
  using Memory = StrategyOptions::Memory;
  const PluginGuard plugin;
  for (const Memory memory : {Memory::kNone, Memory::kExample, Memory::kClass, Memory::kUniversal}) {
    TrainOptions options = tiny_options("self-gradient");
    options.strategy.memory = memory;
    options.strategy.noise = 0.1;
    const test::Outcome resident = train_on(kGpu, options);
    cuda::emulated_free_bytes = 0;
    const test::Outcome uploaded = train_on(kGpu, options);
    cuda::emulated_free_bytes = int64_t{1} << 30;
    test::expect_same(uploaded.state, resident.state);
  }
}

TEST(TrainerOnGpu, WaitsNoOftenerForALongerAttack) {
  const PluginGuard plugin;
  const auto waits = [](int64_t steps) {
    TrainOptions options = tiny_options("pgd");
    options.strategy.steps = steps;
    test::forget_traffic();
    train_on(kGpu, options);
    return test::traffic().waits;
  };
  const int64_t few = waits(1);
  EXPECT_EQ(waits(7), few);
}

TEST(TrainerOnGpu, TrainsInBfloat16) {
  const PluginGuard plugin;
  TrainOptions options = tiny_options("pgd");
  options.precision = Precision::kBfloat16;
  options.epochs = 0.2;
  EXPECT_LT(largest_difference(train_on(kGpu, options).state, train_on(at::kCPU, options).state), 0.05);
}

TEST(NetworkOnGpu, MovesThereAndBackWithoutAChange) {
  const auto network = make_network(test::tiny_network());
  NamedTensors before;
  for (const auto& [name, tensor] : network->state())
    before.emplace_back(name, tensor.clone());
  network->move_to(kGpu);
  EXPECT_EQ(network->device(), kGpu);
  const std::string path = test::temporary("moved");
  write_safetensors(path, {}, network->state());
  const TensorFile saved = read_safetensors(path);
  std::filesystem::remove(path);
  for (const auto& [name, tensor] : before)
    EXPECT_TRUE(at::equal(saved.at(name), tensor)) << name;
  network->move_to(at::kCPU);
  test::expect_same(network->state(), before);
}

}  // namespace
}  // namespace selfgrad
