// Attacks, evaluation and stability on the emulated GPU: the CPU's answers, few waits, and steps that a graph
// could hold.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "attack/networks.h"
#include "attack/steps.h"
#include "emulated_cuda.h"
#include "evaluate/attack_images.h"
#include "evaluate/evaluator.h"
#include "fixtures.h"
#include "stability/stability.h"
#include "train/tiny_training.h"

namespace selfgrad {
namespace {

using test::kGpu;
using test::PluginGuard;
using testing::SmallNet;

/// In float64, so that rounding does not decide on signs near zero.
Logits network_on(at::Device device) {
  SmallNet net;
  for (at::Tensor* weight : {&net.conv1, &net.conv2, &net.head})
    *weight = weight->to(device, at::kDouble);
  return [net](const at::Tensor& x) { return net(x.to(at::kDouble)); };
}

struct AttackCase {
  std::string name;
  Norm norm;
  bool repeats = false;
};

AttackOptions options_of(const AttackCase& of) {
  AttackOptions options;
  options.name = of.name;
  options.threat = {of.norm, of.norm == Norm::kLinf ? 0.1 : 0.5};
  options.alpha = options.threat.eps / 4;
  options.steps = 25;
  options.queries = 40;
  options.targets = 3;
  options.binary_search_steps = 2;
  return options;
}

AttackResult attack_on(at::Device device, const AttackCase& of, Passes* passes = nullptr) {
  const Logits network = network_on(device);
  const at::Tensor images =
      testing::random_tensor(8, {12, 2, 4, 4}, 0, 1).contiguous(at::MemoryFormat::ChannelsLast).to(device);
  const std::atomic<bool> stop{false};
  Target target(network, 3, stop);
  target.set_repeats(of.repeats);
  const at::Tensor labels = network(images).argmax(1);
  AttackResult result =
      make_attack(options_of(of))->run(target, images, labels, at::arange(12, at::kLong), 1);
  target.settle();
  if (passes != nullptr) *passes = target.passes();
  return result;
}

class AttackOnGpu : public ::testing::TestWithParam<AttackCase> {};

TEST_P(AttackOnGpu, FindsWhatItFindsOnTheCpu) {
  const PluginGuard plugin;
  const AttackResult here = attack_on(at::kCPU, GetParam());
  const AttackResult there = attack_on(kGpu, GetParam());
  EXPECT_EQ(there.adversarial.device(), kGpu);
  EXPECT_TRUE(at::equal(there.success.cpu(), here.success));
  EXPECT_TRUE(at::equal(there.step.cpu(), here.step));
  EXPECT_TRUE(at::allclose(there.adversarial.cpu(), here.adversarial, 0, 1e-5));
  if (here.distance.defined()) {
    EXPECT_TRUE(at::allclose(there.distance.cpu(), here.distance, 1e-4, 1e-5));
  }
}

const std::vector<AttackCase> kCases{{"random", Norm::kLinf},        {"fgsm", Norm::kLinf},
                                     {"pgd", Norm::kLinf},           {"pgd", Norm::kL2},
                                     {"pgd", Norm::kLinf, true},     {"pgd", Norm::kL2, true},
                                     {"mi-fgsm", Norm::kLinf},       {"mi-fgsm", Norm::kLinf, true},
                                     {"cw-linf", Norm::kLinf, true}, {"apgd-ce", Norm::kLinf},
                                     {"apgd-ce", Norm::kLinf, true}, {"apgd-ce", Norm::kL2, true},
                                     {"apgd-dlr", Norm::kL2},        {"apgd-dlr", Norm::kLinf, true},
                                     {"apgd-t", Norm::kLinf},        {"apgd-t", Norm::kLinf, true},
                                     {"fab", Norm::kLinf},           {"fab-t", Norm::kL2},
                                     {"deepfool", Norm::kL2},        {"cw-l2", Norm::kL2},
                                     {"square", Norm::kLinf},        {"square", Norm::kL2}};
INSTANTIATE_TEST_SUITE_P(All, AttackOnGpu, ::testing::ValuesIn(kCases), [](const auto& info) {
  std::string name = info.param.name + (info.param.norm == Norm::kLinf ? "_linf" : "_l2") +
                     (info.param.repeats ? "_recorded" : "");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(AttackOnGpu, LooksWhoIsDoneOnceInTenSteps) {
  const PluginGuard plugin;
  for (const char* name : {"pgd", "mi-fgsm", "cw-linf", "apgd-ce"}) {
    test::forget_traffic();
    attack_on(kGpu, {name, Norm::kLinf});
    // Two or three waits for each look, and a few at the end.
    EXPECT_LE(test::traffic().waits, 10) << name;
  }
}

TEST(AttackOnGpu, RefusesLogitsThatAreNotFiniteBehindTheAttack) {
  const std::atomic<bool> stop{false};
  Target target([](const at::Tensor& x) { return x.flatten(1).narrow(1, 0, 3) * std::nan(""); }, 0, stop);
  target.set_place("batch 2 of attack pgd");
  const at::Tensor x = at::ones({2, 1, 2, 2}, at::device(kGpu));
  target.gradient(x, [](const at::Tensor& z) { return z.sum(1); });
  EXPECT_EQ(test::message_of([&] { target.settle(); }),
            "ERR_NUMERIC Expected finite logits from the network but received NaN or infinity in batch 2 of "
            "attack pgd. Its weights or a layer overflow: train with a lower lr.");
}

/// Takes the host's part in a step once, whatever the count.
class OnceGraph final : public kernels::StepGraph {
 public:
  void run(int64_t, const std::function<void()>& work) override {
    if (!done_) work();
    done_ = true;
  }

 private:
  bool done_ = false;
};

TEST(Steps, CountsPassesThatTheHostTakesNoPartIn) {
  kernels::CudaKernels table{};
  table.make_graph = [](at::Device) -> std::unique_ptr<kernels::StepGraph> {
    return std::make_unique<OnceGraph>();
  };
  kernels::set_cuda_kernels(&table);
  std::atomic<bool> stop{false};
  Target target([](const at::Tensor& x) { return x.flatten(1); }, 0, stop);
  target.set_repeats(true);
  const at::Tensor x = at::ones({2, 1, 2, 2}, at::device(kGpu));
  Steps steps(target, kGpu);
  const auto step = [&] { target.gradient(x, [](const at::Tensor& z) { return z.sum(1); }); };
  steps.take(10, step);
  EXPECT_EQ(target.passes().forward, 20);
  steps.take(4, step);
  EXPECT_EQ(target.passes().forward, 28);
  EXPECT_EQ(target.passes().backward, 28);
  stop = true;
  EXPECT_THROW(steps.take(4, step), Cancelled);
  kernels::set_cuda_kernels(nullptr);
}

TEST(Steps, AreTakenOneByOneOfANetworkThatDoesNotRepeat) {
  const PluginGuard plugin;
  const std::atomic<bool> stop{false};
  Target target([](const at::Tensor& x) { return x; }, 0, stop);
  at::Tensor x = at::zeros({1}, at::device(kGpu));
  Steps(target, kGpu).take(5, [&] { x = x + x.item<float>() + 1; });
  EXPECT_EQ(x.item<float>(), 31);
}

std::string refusal_of(const std::function<void()>& step) {
  const PluginGuard plugin;
  const std::atomic<bool> stop{false};
  Target target([](const at::Tensor& x) { return x; }, 0, stop);
  target.set_repeats(true);
  try {
    Steps(target, kGpu).take(6, step);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "nothing thrown";
}

TEST(EmulatedGraph, RefusesAStepThatAGraphCouldNotHold) {
  at::Tensor x = at::zeros({3}, at::device(kGpu));
  EXPECT_EQ(refusal_of([&] { assign(x, x + 1); }), "nothing thrown");
  EXPECT_EQ(x.sum().item<float>(), 18);
  EXPECT_EQ(refusal_of([&] { x = x + 1; }), "A recorded step uses other memory than in the step before.");
  EXPECT_EQ(refusal_of([&] { assign(x, x + x.sum().item<float>()); }),
            "A recorded step waits for the device in item.");
  EXPECT_EQ(refusal_of([&] { assign(x, x + at::ones({3}).to(kGpu)); }),
            "A recorded step reads the host's memory in copy_ from the host.");
}

/// Ready to be evaluated.
std::shared_ptr<Network> tiny_network_on(at::Device device) {
  auto network = make_network(test::tiny_network());
  network->eval();
  network->move_to(device);
  return network;
}

EvaluateResult evaluate_on(at::Device device) {
  const Dataset data = test::pattern_dataset(24, test::kShape, 4);
  const auto network = tiny_network_on(device);
  EvaluateOptions options;
  options.count = 24;
  options.batch_size = 10;
  options.device = device;
  options.repeats = network->repeats();
  options.keep_images = true;
  options.examples = 3;
  options.windows = [&] { return network->window_forward(); };
  for (const char* name : {"pgd", "apgd-ce", "square"})
    options.attacks.push_back(options_of({name, Norm::kLinf}));
  options.attacks[0].restarts = 2;
  options.attacks[0].target = Aim::kLeastLikely;
  const std::atomic<bool> stop{false};
  return evaluate([&](const at::Tensor& x) { return network->forward(x); }, data, options, stop,
                  [](const EvaluateProgress&) {});
}

TEST(EvaluationOnGpu, CountsWhatTheCpuCounts) {
  const EvaluateResult here = evaluate_on(at::kCPU);
  const PluginGuard plugin;
  const EvaluateResult there = evaluate_on(kGpu);
  EXPECT_EQ(there.clean, here.clean);
  EXPECT_EQ(there.predictions, here.predictions);
  EXPECT_EQ(there.broken_by, here.broken_by);
  EXPECT_TRUE(there.adversarial.is_cpu());
}

TEST(AttackImagesOnGpu, AnswerOnTheGpu) {
  const PluginGuard plugin;
  const std::atomic<bool> stop{false};
  const at::Tensor images = testing::grey_images(6).to(kGpu);
  const Logits network = network_on(kGpu);
  const AttackedImages attacked = attack_images(network, images, network(images).argmax(1),
                                                {options_of({"pgd", Norm::kLinf})}, 1, 4, stop);
  EXPECT_EQ(attacked.adversarial.device(), kGpu);
  EXPECT_GT(attacked.success.sum().item<int64_t>(), 0);
}

TEST(StabilityOnGpu, SaysWhatTheCpuSays) {
  const PluginGuard plugin;
  const Dataset data = test::pattern_dataset(6, test::kShape, 4);
  const auto columns = [&](at::Device device) {
    const auto network = tiny_network_on(device);
    StabilityOptions options;
    options.count = 6;
    options.batch_size = 4;
    options.iterations = 3;
    options.multiples = {0, 1};
    options.certify.count = 3;
    options.certify.bisections = 2;
    options.device = device;
    const std::atomic<bool> stop{false};
    return stability(*network, data, options, stop, [](const StabilityProgress&) {}).images;
  };
  const Columns here = columns(at::kCPU), there = columns(kGpu);
  for (const char* name : {"loss", "gradient_l1", "attacked", "certified_radius"})
    EXPECT_TRUE(at::allclose(there.at(name), here.at(name), 1e-3, 1e-5, /*equal_nan=*/true)) << name;
}

}  // namespace
}  // namespace selfgrad
