// CW-L2: near the closed-form optimum, PyTorch's images (reference/make_cw_l2_reference.py), independent of
// the batch, honest about its budget.
#include "attack/cw_l2.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/isfinite.h>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::attack_batch_of;
using testing::Attacked;
using testing::grey_images;
using testing::LinearModel;
using testing::random_tensor;
using testing::ReferenceNet;
using testing::SmallNet;

AttackOptions cw_options(double eps) {
  AttackOptions options;
  options.name = "cw-l2";
  options.threat = {Norm::kL2, eps};
  options.steps = 200;
  return options;
}

TEST(CwL2, FindsNearlyTheSmallestPerturbation) {
  for (const int64_t classes : {2, 5}) {
    const LinearModel model(classes);
    const at::Tensor images = grey_images(8);
    const Attacked attacked = attack_batch_of(model, cw_options(10), images);
    const at::Tensor ratio = attacked.result.distance / model.optimum(Norm::kL2, images, attacked.labels);
    EXPECT_LE(ratio.max().item<double>(), 1.25);
    EXPECT_GE(ratio.min().item<double>(), 1 - 1e-3);
    EXPECT_TRUE(misclassified(model(attacked.result.adversarial), attacked.labels).all().item<bool>());
  }
}

TEST(CwL2, FindsThePyTorchImages) {
  const ReferenceNet net("cw_l2_reference.safetensors");
  const at::Tensor images = net.file.at("images").contiguous(at::MemoryFormat::ChannelsLast);
  AttackOptions options = cw_options(10);
  options.steps = 60;
  options.binary_search_steps = 5;
  options.initial_c = 0.1;
  const AttackResult result = attack_batch_of(net, options, images).result;
  const double error = (result.adversarial - net.file.at("adversarial")).abs().max().item<double>();
  constexpr double kAllowed = 1e-4;
  RecordProperty("percent_of_allowed_error", std::to_string(100 * error / kAllowed));
  EXPECT_LE(error, kAllowed);
  EXPECT_TRUE(at::allclose(result.distance, net.file.at("distance"), 1e-4, 1e-6));
}

TEST(CwL2, ReportsTheDistanceOfWhatItReturns) {
  const at::Tensor images = random_tensor(21, {6, 2, 4, 4}, 0, 1);
  const AttackResult result = attack_batch_of(SmallNet(), cw_options(0.3), images).result;
  EXPECT_TRUE(
      at::allclose(perturbation_norm(Norm::kL2, result.adversarial - images), result.distance, 1e-5, 1e-6));
  EXPECT_TRUE(result.success.equal(result.distance <= 0.3));
}

TEST(CwL2, FindsNothingOnAConstantNetwork) {
  const LinearModel model(3);
  const auto constant = [&](const at::Tensor& x) { return 0.0 * model(x) + model.bias; };
  AttackOptions options = cw_options(10);
  options.steps = 10;
  options.binary_search_steps = 3;
  const AttackResult result = attack_batch_of(constant, options, grey_images(2)).result;
  EXPECT_FALSE(result.success.any().item<bool>());
  EXPECT_FALSE(result.distance.isfinite().any().item<bool>());
  EXPECT_TRUE(result.adversarial.equal(grey_images(2)));
}

TEST(CwL2, DependsOnNoNeighbour) {
  const SmallNet net;
  const at::Tensor images = random_tensor(22, {5, 2, 4, 4}, 0, 1);
  AttackOptions options = cw_options(1);
  options.steps = 50;
  const at::Tensor whole = attack_batch_of(net, options, images).result.distance;
  for (int64_t n = 0; n < 5; ++n) {
    const at::Tensor alone = attack_batch_of(net, options, images.narrow(0, n, 1)).result.distance;
    EXPECT_NEAR(alone.item<double>(), whole[n].item<double>(), 1e-3 * whole[n].item<double>());
  }
}

TEST(CwL2, SpendsEqualPassesForwardAndBackwardAndNoMoreThanAsked) {
  AttackOptions options = cw_options(1);
  options.steps = 20;
  options.binary_search_steps = 2;
  const Passes passes = attack_batch_of(SmallNet(), options, grey_images(3)).passes;
  EXPECT_EQ(passes.forward, passes.backward);
  EXPECT_LE(passes.forward, 3 * 20 * 2);
  EXPECT_GT(passes.forward, 0);
}

TEST(CwL2, ReachesTheConfidence) {
  const LinearModel model(2);
  AttackOptions options = cw_options(10);
  options.confidence = 0.5;
  const Attacked attacked = attack_batch_of(model, options, grey_images(4));
  EXPECT_GE(margin(model(attacked.result.adversarial), attacked.labels).min().item<double>(), 0.5 - 1e-5);
}

TEST(MakeAttack, RefusesAnUnknownName) {
  AttackOptions options;
  options.name = "none";
  EXPECT_EQ(test::message_of([&] { make_attack(options); }),
            "ERR_OPTION Expected one of random, fgsm, pgd, mi-fgsm, cw-linf, apgd-ce, apgd-dlr, apgd-t, fab, "
            "fab-t, deepfool, cw-l2, square, transfer for attack.name but received none (string).");
}

}  // namespace
}  // namespace selfgrad
