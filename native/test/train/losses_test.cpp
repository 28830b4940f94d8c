// The losses of TRADES, MART and GradAlign against PyTorch: reference/make_losses_reference.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <filesystem>

#include "io/safetensors.h"
#include "train/training_losses.h"

namespace selfgrad {
namespace {

const TensorFile& reference() {
  static const TensorFile file = read_safetensors(
      (std::filesystem::path(__FILE__).parent_path() / "reference" / "losses_reference.safetensors")
          .string());
  return file;
}

void expect_close(const at::Tensor& ours, const at::Tensor& theirs, const std::string& what) {
  EXPECT_LT((ours - theirs).abs().max().item<double>(), 5e-6 + 5e-6 * theirs.abs().max().item<double>())
      << what;
}

TEST(TrainingLosses, AndTheirGradientsAreThoseOfPyTorch) {
  for (const std::string name : {"trades", "mart"}) {
    const at::Tensor natural = reference().at("natural").clone().requires_grad_();
    const at::Tensor adversarial = reference().at("adversarial").clone().requires_grad_();
    const at::Tensor labels = reference().at("labels");
    const at::Tensor loss = name == "trades" ? trades_loss(natural, adversarial, labels, 6.0, 0.1)
                                             : mart_loss(natural, adversarial, labels, 5.0, 0.1);
    expect_close(loss, reference().at(name + ".loss")[0], name);
    const auto gradients = torch::autograd::grad({loss}, {natural, adversarial});
    expect_close(gradients[0], reference().at(name + ".natural"), name + " natural");
    expect_close(gradients[1], reference().at(name + ".adversarial"), name + " adversarial");
  }
}

TEST(TrainingLosses, StayFiniteForCertainPredictions) {
  const at::Tensor labels = at::arange(2);
  const at::Tensor natural = at::tensor({300.0F, -300.0F, 0.0F, 300.0F, -300.0F, 0.0F}).view({2, 3});
  for (auto* loss : {&trades_loss, &mart_loss}) {
    const at::Tensor p = natural.clone().requires_grad_();
    const at::Tensor q = (-natural).requires_grad_();
    const at::Tensor value = (*loss)(p, q, labels, 6.0, 0.0, {}, {});
    EXPECT_TRUE(std::isfinite(value.item<double>()));
    for (const at::Tensor& gradient : torch::autograd::grad({value}, {p, q}))
      EXPECT_TRUE(gradient.isfinite().all().item<bool>());
  }
}

TEST(TrainingLosses, ClassWeightsMultiplyTheTermsOfTheirClasses) {
  // Equal logits but for one: the cross-entropies are log(2 + e) - 1 and log(2 + e) twice.
  const at::Tensor logits = at::tensor({1.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F}).view({2, 3});
  const at::Tensor labels = at::arange(2);
  const at::Tensor weights = at::tensor({3.0F, 0.5F, 7.0F});
  const double far = std::log(2 + std::exp(1.0));
  const auto mean = [&](double smoothing) {
    return smoothed_cross_entropy(logits, labels, smoothing, weights).item<double>();
  };
  EXPECT_NEAR(mean(0), (3 * (far - 1) + 0.5 * far) / 3.5, 1e-6);
  // Smoothing spreads a share over all classes, each with its weight.
  const double all = (3 * (far - 1) + 0.5 * far + 7 * far) / 3;
  EXPECT_NEAR(mean(0.3), (0.7 * (3 * (far - 1) + 0.5 * far) + 0.3 * 2 * all) / 3.5, 1e-6);
  const at::Tensor each = smoothed_cross_entropies(logits, labels, 0.3, weights);
  EXPECT_NEAR(each.sum().item<double>() / 3.5, mean(0.3), 1e-6);
  const at::Tensor same = at::tensor({4.0F, 4.0F, 4.0F});
  EXPECT_NEAR(smoothed_cross_entropy(logits, labels, 0.3, same).item<double>(),
              smoothed_cross_entropy(logits, labels, 0.3).item<double>(), 1e-6);
}

TEST(TrainingLosses, ClassWeightsConcernTheCrossEntropyAlone) {
  const at::Tensor natural = reference().at("natural");
  const at::Tensor adversarial = reference().at("adversarial");
  const at::Tensor labels = reference().at("labels");
  const at::Tensor weights = at::arange(1, natural.size(1) + 1).to(at::kFloat);
  for (auto* loss : {&trades_loss, &mart_loss}) {
    const at::Tensor& of = loss == &trades_loss ? natural : adversarial;
    const at::Tensor change = (*loss)(natural, adversarial, labels, 6.0, 0.1, weights, {}) -
                              (*loss)(natural, adversarial, labels, 6.0, 0.1, {}, {});
    const at::Tensor expected =
        smoothed_cross_entropy(of, labels, 0.1, weights) - smoothed_cross_entropy(of, labels, 0.1);
    EXPECT_NEAR(change.item<double>(), expected.item<double>(), 1e-4);
  }
}

TEST(TrainingLosses, DivergenceIsZeroAtEqualPredictionsAndPositiveElsewhere) {
  const at::Tensor logits = reference().at("natural");
  EXPECT_LT(kl_divergence(logits, logits + 3).abs().max().item<double>(), 1e-5);
  EXPECT_GT(kl_divergence(logits, reference().at("adversarial")).min().item<double>(), 0);
}

TEST(TrainingLosses, MisalignmentIsThatOfPyTorchAndLeavesOutZeroGradients) {
  const at::Tensor b = reference().at("b").clone().requires_grad_();
  const at::Tensor loss = misalignment(reference().at("a"), b);
  expect_close(loss, reference().at("misalignment")[0], "value");
  expect_close(torch::autograd::grad({loss}, {b})[0], reference().at("misalignment.b"), "gradient");
  // Tiny gradients have an angle too; their squares would be zero.
  EXPECT_NEAR(misalignment(1e-30 * reference().at("a"), 1e-30 * b).item<double>(), loss.item<double>(), 1e-5);
  const at::Tensor nothing = at::zeros({2, 1, 3, 3}).requires_grad_();
  const at::Tensor none = misalignment(nothing, nothing);
  EXPECT_EQ(none.item<double>(), 0);
  EXPECT_TRUE(torch::autograd::grad({none}, {nothing})[0].eq(0).all().item<bool>());
}

}  // namespace
}  // namespace selfgrad
