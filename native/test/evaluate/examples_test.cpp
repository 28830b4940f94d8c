// The examples that an evaluation returns, and the gradients at them.
#include <ATen/ops/full.h>
#include <ATen/ops/one_hot.h>
#include <gtest/gtest.h>

#include "attack/networks.h"
#include "evaluate/evaluated.h"

namespace selfgrad {
namespace {

using test::attack_named;
using test::evaluate_options;
using test::Evaluated;
using testing::LinearModel;
using testing::SmallNet;

TEST(Evaluate, ReturnsExamplesThatHoldTheBudgetAndFool) {
  const SmallNet net;
  Evaluated fixture(net);
  EvaluateOptions options = evaluate_options({attack_named("pgd", 0.05), attack_named("fgsm", 0.05)});
  options.examples = 6;
  const EvaluateResult result = fixture.run(options);
  ASSERT_EQ(result.examples.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    const Example& example = result.examples[i];
    EXPECT_EQ(example.attack, static_cast<int64_t>(i % 2));
    EXPECT_EQ(example.label, result.labels[example.index]);
    EXPECT_EQ(example.clean_prediction, example.label);
    EXPECT_EQ(net(example.adversarial.unsqueeze(0)).argmax(1).item<int64_t>(),
              example.adversarial_prediction);
    EXPECT_NE(example.adversarial_prediction, example.label);
    EXPECT_LE((example.adversarial - example.image).abs().max().item<double>(), 0.05 + 1e-6);
    const double confidence = net(example.image.unsqueeze(0)).softmax(1).max().item<double>();
    EXPECT_NEAR(example.clean_confidence, confidence, 1e-5);
    for (size_t k = 0; k < i; ++k)
      EXPECT_NE(result.examples[k].index, example.index);
  }
}

/// Three examples of an attack without gradients on `network`, which answers as `linear` does.
std::vector<Example> examples_of(const LinearModel& linear, const Logits& network) {
  Evaluated fixture(linear);
  fixture.network = network;
  EvaluateOptions options = evaluate_options({attack_named("square", 0.5)});
  options.attacks[0].queries = 5;
  options.examples = 3;
  return fixture.run(options).examples;
}

TEST(Evaluate, GivesTheGradientOfTheCrossEntropyAtTheCleanImage) {
  const LinearModel linear(5);
  const auto examples = examples_of(linear, linear);
  ASSERT_EQ(examples.size(), 3U);
  for (const Example& example : examples) {
    // d/dx -log softmax(W x + b)_y = (p - e_y) W
    const at::Tensor p = linear(example.image.unsqueeze(0)).softmax(1);
    const at::Tensor e = at::one_hot(at::full({1}, example.label, at::kLong), 5);
    const at::Tensor expected = (p - e).matmul(linear.weight).reshape({2, 4, 4});
    EXPECT_TRUE(at::allclose(example.gradient, expected, 1e-4, 1e-6)) << example.index;
  }
}

TEST(Evaluate, CountsNoPassesForTheGradientsOfExamples) {
  const auto passes = [](int64_t examples) {
    Evaluated fixture(SmallNet{});
    EvaluateOptions options = evaluate_options({attack_named("pgd", 0.05)});
    options.examples = examples;
    return fixture.run(options).passes;
  };
  EXPECT_EQ(passes(6).forward, passes(0).forward);
  EXPECT_EQ(passes(6).backward, passes(0).backward);
}

TEST(Evaluate, IsWholeWhereTheNetworkHasNoGradientOrNoneThatIsFinite) {
  const LinearModel linear(5);
  const Logits refuses = [&](const at::Tensor& x) {
    if (x.requires_grad()) throw Error("ERR_OPTION", "no gradients");
    return linear(x);
  };
  // sqrt'(0) · 0 is NaN.
  const Logits infinite = [&](const at::Tensor& x) { return linear(x + (x - x.detach()).sqrt()); };
  for (const Logits& network : {refuses, infinite}) {
    const auto examples = examples_of(linear, network);
    ASSERT_EQ(examples.size(), 3U);
    for (const Example& example : examples)
      EXPECT_FALSE(example.gradient.defined());
  }
}

}  // namespace
}  // namespace selfgrad
