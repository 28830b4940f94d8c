// Attacks along the gradients of another model: the attack itself where both are one, the closed form of two
// linear networks, who is asked how often, and a target without gradients.
#include <ATen/ops/full_like.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/sign.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "evaluate/attack_images.h"
#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;
using testing::SmallNet;

AttackOptions inner_options(const std::string& name, double eps) {
  AttackOptions options;
  options.name = name;
  options.threat.eps = eps;
  options.alpha = eps / 4;
  options.steps = 8;
  options.targets = 4;
  return options;
}

AttackOptions transfer_options(const std::string& inner, double eps, Logits source) {
  AttackOptions options = inner_options(inner, eps);
  options.name = "transfer";
  options.inner = inner;
  options.source = std::move(source);
  return options;
}

/// What `attack_images` finds on images with the network's own labels.
AttackedImages attacked(const Logits& network, const at::Tensor& images, const AttackOptions& options,
                        int64_t batch_size = 16) {
  const std::atomic<bool> stop{false};
  return attack_images(network, images, network(images).argmax(1), {options}, 5, batch_size, stop);
}

/// SmallNet's answers as numbers without a derivative: 1 for its class, 0 for the others.
at::Tensor hard_answers(const at::Tensor& x) {
  return at::one_hot(SmallNet()(x).argmax(1), 5).to(at::kFloat);
}

class Transfer : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(AllThatAskForGradientsAlone, Transfer,
                         ::testing::Values("fgsm", "pgd", "mi-fgsm", "cw-linf", "apgd-ce", "apgd-dlr",
                                           "apgd-t"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(Transfer, IsTheInnerAttackWhereSourceAndTargetAreOne) {
  const SmallNet net;
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  const AttackedImages own = attacked(net, images, inner_options(GetParam(), 0.05));
  const AttackedImages same = attacked(net, images, transfer_options(GetParam(), 0.05, net));
  EXPECT_TRUE(same.adversarial.equal(own.adversarial));
  EXPECT_TRUE(same.success.equal(own.success));
  EXPECT_TRUE(own.success.any().item<bool>());
  EXPECT_FALSE(own.success.all().item<bool>());
  // The same forwards, and beside them those that the gradients need.
  EXPECT_EQ(same.passes.forward, own.passes.forward);
  EXPECT_EQ(same.passes.backward, 0);
  EXPECT_EQ(same.source_passes.backward, own.passes.backward);
  EXPECT_EQ(same.source_passes.forward, own.passes.backward);
  EXPECT_EQ(own.source_passes.forward + own.source_passes.backward, 0);
}

TEST_P(Transfer, BreaksATargetWithoutGradients) {
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  const AttackedImages found = attacked(hard_answers, images, transfer_options(GetParam(), 0.1, SmallNet()));
  EXPECT_TRUE(found.success.any().item<bool>());
  EXPECT_TRUE(found.predictions.equal(hard_answers(found.adversarial).argmax(1)));
  test::expect_within(Threat{Norm::kLinf, 0.1}, images, found.adversarial);
}

TEST_P(Transfer, DependsOnNeitherBatchNorOrder) {
  SmallNet target;
  LinearModel source(5);
  for (at::Tensor* weight : {&target.conv1, &target.conv2, &target.head, &source.weight, &source.bias})
    *weight = weight->to(at::kDouble);
  const auto wide = [](const auto& model) {
    return [&model](const at::Tensor& x) { return model(x.to(at::kDouble)); };
  };
  const at::Tensor images = random_tensor(6, {32, 2, 4, 4}, 0, 1);
  const AttackOptions options = transfer_options(GetParam(), 0.2, wide(source));
  const AttackedImages whole = attacked(wide(target), images, options, 32);
  const AttackedImages pieces = attacked(wide(target), images, options, 5);
  EXPECT_TRUE(pieces.success.equal(whole.success));
  EXPECT_TRUE(at::allclose(pieces.adversarial, whole.adversarial, 0, 1e-5));
  EXPECT_TRUE(whole.success.any().item<bool>());
  EXPECT_FALSE(whole.success.all().item<bool>());
}

/// Along the signs of the source's gradient the margin of a linear target rises by eps times their product,
/// the same for all images: those whose margin is smaller fall.
TEST(TransferFgsm, MatchesTheClosedFormOfTwoLinearNetworks) {
  const LinearModel target(2, 2);
  LinearModel source(2, 30);
  source.weight += 0.5 * target.weight;
  const at::Tensor images = grey_images(64);
  const at::Tensor logits = target(images);
  const at::Tensor lead = (logits.select(1, 1) - logits.select(1, 0)).abs();
  const at::Tensor of_target = target.weight[1] - target.weight[0];
  const at::Tensor of_source = source.weight[1] - source.weight[0];
  const double product = (of_target * of_source.sign()).sum().item<double>();
  ASSERT_LT(product, of_target.abs().sum().item<double>() - 0.1);
  const double eps = testing::eps_between(lead / product);
  ASSERT_GT(eps, 0);
  ASSERT_LT(eps, 0.4);
  const AttackedImages found = attacked(target, images, transfer_options("fgsm", eps, source));
  EXPECT_TRUE(found.success.equal(lead < eps * product));
  EXPECT_TRUE(found.success.any().item<bool>());
  EXPECT_FALSE(found.success.all().item<bool>());
}

TEST(TransferTarget, AveragesTheSourceAloneOverItsSamples) {
  const std::atomic<bool> stop{false};
  const LinearModel target_model(3);
  const LinearModel source_model(3, 30);
  int calls = 0;
  // The n-th pass scales the logits by n.
  Target target(target_model, 0, stop);
  target.set_source([&](const at::Tensor& x) { return ++calls * source_model(x); });
  target.set_samples(3);
  const auto [logits, gradient] =
      target.gradient(grey_images(2), [](const at::Tensor& z) { return z.select(1, 1); });
  EXPECT_TRUE(logits.equal(target_model(grey_images(2))));
  EXPECT_TRUE(at::allclose(gradient[1].contiguous().view(-1), 2 * source_model.weight[1]));
  EXPECT_EQ(target.passes().forward, 2);
  EXPECT_EQ(target.passes().backward, 0);
  EXPECT_EQ(target.source_passes().forward, 6);
  EXPECT_EQ(target.source_passes().backward, 6);
  target.set_source(nullptr);
  EXPECT_EQ(target.source_passes().forward, 0);
  EXPECT_TRUE(target.gradient(grey_images(2), [](const at::Tensor& z) { return z.select(1, 1); })
                  .gradient[1]
                  .contiguous()
                  .view(-1)
                  .allclose(target_model.weight[1]));
}

TEST(TransferTarget, SaysThatTheSourceIsNotFinite) {
  const at::Tensor images = grey_images(3);
  const auto source = [](const at::Tensor& x) {
    return SmallNet()(x) * std::numeric_limits<float>::quiet_NaN();
  };
  EXPECT_EQ(test::message_of([&] { attacked(SmallNet(), images, transfer_options("pgd", 0.1, source)); }),
            "ERR_NUMERIC Expected finite logits from the network but received NaN or infinity for 3 of 3 "
            "images, first for image 0 of batch 0 of attack transfer, by its source. Its weights or a layer "
            "overflow: train with a lower lr.");
}

TEST(TransferTarget, StopsWithinTheSource) {
  std::atomic<bool> stop{false};
  const SmallNet net;
  const at::Tensor images = grey_images(3);
  int calls = 0;
  const auto source = [&](const at::Tensor& x) {
    if (++calls == 2) stop = true;
    return net(x);
  };
  EXPECT_THROW(
      attack_images(net, images, net(images).argmax(1), {transfer_options("pgd", 1e-6, source)}, 0, 3, stop),
      Cancelled);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace selfgrad
