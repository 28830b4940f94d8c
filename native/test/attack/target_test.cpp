// The target: counted passes, no gradient for weights, refusal of NaN, cancellation.
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/min.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/select.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <limits>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;
using testing::SmallNet;

TEST(Target, CountsOnePassPerExample) {
  const std::atomic<bool> stop{false};
  Target target(LinearModel(3), 0, stop);
  target.logits(grey_images(5));
  target.gradient(grey_images(3), [](const at::Tensor& z) { return z.sum(1); });
  EXPECT_EQ(target.passes().forward, 8);
  EXPECT_EQ(target.passes().backward, 3);
}

TEST(Target, GivesTheGradientOfTheSummedLoss) {
  const std::atomic<bool> stop{false};
  const LinearModel model(3);
  Target target(model, 0, stop);
  const auto [logits, gradient] =
      target.gradient(grey_images(2), [](const at::Tensor& z) { return z.select(1, 1); });
  EXPECT_TRUE(at::allclose(gradient[1].contiguous().view(-1), model.weight[1]));
  EXPECT_TRUE(at::allclose(logits, model(grey_images(2))));
  EXPECT_FALSE(logits.requires_grad());
}

TEST(Target, AveragesTheGradientOverItsSamples) {
  const std::atomic<bool> stop{false};
  const LinearModel model(3);
  int calls = 0;
  // The n-th pass scales the logits by n.
  Target target([&](const at::Tensor& x) { return ++calls * model(x); }, 0, stop);
  target.set_samples(3);
  const auto [logits, gradient] =
      target.gradient(grey_images(2), [](const at::Tensor& z) { return z.select(1, 1); });
  EXPECT_TRUE(at::allclose(gradient[1].contiguous().view(-1), 2 * model.weight[1]));
  EXPECT_TRUE(at::allclose(logits, 2 * model(grey_images(2))));
  EXPECT_EQ(target.passes().forward, 6);
  EXPECT_EQ(target.passes().backward, 6);
}

TEST(Target, ComputesGradientsInBfloat16ButNotWhatIsCloseToATie) {
  const std::atomic<bool> stop{false};
  const SmallNet net;
  const at::Tensor images = random_tensor(7, {64, 2, 4, 4}, 0, 1);
  const auto first = [](const at::Tensor& z) { return z.select(1, 0); };
  Target exact(net, 0, stop);
  Target mixed(net, 0, stop);
  mixed.set_precision(Precision::kBfloat16);
  const auto [logits, gradient] = exact.gradient(images, first);
  const auto [about_logits, about_gradient] = mixed.gradient(images, first);
  EXPECT_EQ(about_logits.scalar_type(), at::kFloat);
  EXPECT_EQ(about_gradient.scalar_type(), at::kFloat);
  const at::Tensor flat = gradient.flatten(1), about = about_gradient.flatten(1);
  EXPECT_FALSE(about.equal(flat));
  EXPECT_GT(at::cosine_similarity(about, flat, 1).min().item<double>(), 0.995);

  const at::Tensor top = std::get<0>(about_logits.topk(2, 1));
  const at::Tensor close = (top.select(1, 0) - top.select(1, 1)) < 0.01 * about_logits.abs().amax(1);
  const at::Tensor rows = close.nonzero().squeeze(1);
  ASSERT_GT(rows.size(0), 0);
  ASSERT_LT(rows.size(0), 32);
  EXPECT_TRUE(at::allclose(about_logits.index_select(0, rows), logits.index_select(0, rows), 1e-6, 1e-6));
  EXPECT_FALSE(at::allclose(about_logits, logits, 1e-6, 1e-6));
  EXPECT_TRUE(about_logits.argmax(1).equal(logits.argmax(1)));
  // Those passes are billed: forwards, and no more than the rows that were close.
  EXPECT_EQ(mixed.passes().backward, exact.passes().backward);
  EXPECT_GE(mixed.passes().forward, exact.passes().forward + rows.size(0));
  EXPECT_LT(mixed.passes().forward, exact.passes().forward + 32);
}

TEST(Target, LeavesWeightsWithoutGradient) {
  const std::atomic<bool> stop{false};
  const SmallNet net;
  net.conv1.requires_grad_();
  Target target(net, 0, stop);
  target.gradient(grey_images(2), [](const at::Tensor& z) { return z.sum(1); });
  EXPECT_FALSE(net.conv1.grad().defined());
  EXPECT_FALSE(target.logits(grey_images(2)).requires_grad());
}

TEST(Target, RefusesLogitsThatAreNotFinite) {
  const std::atomic<bool> stop{false};
  const LinearModel model(3);
  Target target(
      [&](const at::Tensor& x) {
        at::Tensor z = model(x).detach().clone();
        z[1][2] = std::numeric_limits<float>::quiet_NaN();
        return z;
      },
      0, stop);
  target.set_place("batch 4 of attack pgd");
  EXPECT_EQ(
      test::message_of([&] { target.logits(grey_images(3)); }),
      "ERR_NUMERIC Expected finite logits from the network but received NaN or infinity for 1 of 3 images, "
      "first for image 1 of batch 4 of attack pgd. Its weights or a layer overflow: train with a lower lr.");
}

TEST(Target, StopsBeforeTheNextPass) {
  std::atomic<bool> stop{false};
  int calls = 0;
  const LinearModel model(3);
  const auto network = [&](const at::Tensor& x) {
    if (++calls == 3) stop = true;
    return model(x);
  };
  Target target(network, 0, stop);
  AttackOptions options;
  options.name = "pgd";
  options.threat.eps = 0;
  const at::Tensor images = grey_images(2);
  const at::Tensor labels = model(images).argmax(1);
  EXPECT_THROW(make_attack(options)->run(target, images, labels, at::arange(2, at::kLong), 0), Cancelled);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace selfgrad
