// Perturbed and averaged weights against their definitions.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "nn/network.h"
#include "train/weight_average.h"
#include "train/weight_perturbation.h"

namespace selfgrad {
namespace {

std::shared_ptr<Network> small_network() {
  return make_network({.architecture = "small-cnn",
                       .shape = {1, 8, 8},
                       .classes = 3,
                       .depths = {},
                       .width = 2,
                       .taps = {},
                       .mean = {0.5},
                       .std = {0.25},
                       .seed = 3});
}

TEST(WeightPerturbation, MovesEachMatrixUpItsGradientByAShareOfItsNormAndPutsItBack) {
  const auto network = small_network();
  const at::Tensor x = at::rand({4, 1, 8, 8});
  const auto loss = [&] { return network->forward(x).square().mean(); };
  std::vector<at::Tensor> before;
  for (const auto& parameter : network->parameters())
    before.push_back(parameter.detach().clone());
  const auto gradients = torch::autograd::grad({loss()}, network->parameters());
  const double at_rest = loss().item<double>();
  {
    World alone;
    WeightPerturbation perturbation(*network, loss(), 0.01, alone);
    const auto moved = network->parameters();
    for (size_t i = 0; i < moved.size(); ++i) {
      const at::Tensor step = moved[i].detach() - before[i];
      if (moved[i].dim() == 1) {
        EXPECT_TRUE(at::equal(moved[i].detach(), before[i])) << "biases stay";
        continue;
      }
      const double norm = at::linalg_vector_norm(before[i]).item<double>();
      EXPECT_NEAR(at::linalg_vector_norm(step).item<double>() / norm, 0.01, 1e-5);
      const double along = (step * gradients[i]).sum().item<double>();
      EXPECT_NEAR(along / (0.01 * norm * at::linalg_vector_norm(gradients[i]).item<double>()), 1, 1e-3);
    }
    EXPECT_GT(loss().item<double>(), at_rest);
  }
  const auto after = network->parameters();
  for (size_t i = 0; i < after.size(); ++i)
    EXPECT_TRUE(at::equal(after[i].detach(), before[i]));
}

TEST(WeightAverage, FollowsItsFormulaAndSwapsBackAndForth) {
  const auto network = small_network();
  WeightAverage average(*network, 0.5);
  at::Tensor weight = network->parameters()[0];
  at::Tensor expected = weight.detach().clone();
  const at::NoGradGuard no_grad;
  for (int64_t step = 0; step < 12; ++step) {
    weight.add_(1);
    average.update(step);
    const double t = static_cast<double>(step);
    const double decay = std::min(0.5, (t + 1) / (t + 10));
    expected = decay * expected + (1 - decay) * weight.detach();
  }
  const at::Tensor trained = weight.detach().clone();
  {
    const AverageGuard guard(&average);
    EXPECT_LT((weight - expected).abs().max().item<double>(), 1e-5);
    EXPECT_GT((weight - trained).abs().min().item<double>(), 0.5);
  }
  EXPECT_TRUE(at::equal(weight.detach(), trained));
  EXPECT_EQ(average.state()[0].first, "average.conv1.weight");
}

}  // namespace
}  // namespace selfgrad
