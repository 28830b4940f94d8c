// DeepFool: closed form on linear models, PyTorch's images (reference/make_deepfool_reference.py), budget,
// exact passes, independence of the batch, few classes.
#include "attack/deepfool.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones_like.h>
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

class DeepFoolAttack : public ::testing::TestWithParam<Norm> {
 protected:
  AttackOptions options(double eps, int64_t steps = 50) const {
    AttackOptions options;
    options.name = "deepfool";
    options.threat = {GetParam(), eps};
    options.steps = steps;
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(AllNorms, DeepFoolAttack, ::testing::Values(Norm::kLinf, Norm::kL2),
                         [](const auto& info) { return info.param == Norm::kLinf ? "linf" : "l2"; });

TEST_P(DeepFoolAttack, FindsTheDistanceToTheHyperplaneInOneStep) {
  for (const int64_t classes : {2, 5, 10}) {
    const LinearModel model(classes);
    const at::Tensor images = grey_images(16);
    const Attacked attacked = attack_batch_of(model, options(10, 1), images);
    const at::Tensor optimum = model.optimum(GetParam(), images, attacked.labels);
    EXPECT_TRUE(at::allclose(attacked.result.distance.to(at::kDouble), 1.02 * (optimum + 1e-4), 1e-4, 1e-6));
    EXPECT_TRUE(misclassified(model(attacked.result.adversarial), attacked.labels).all().item<bool>());
    EXPECT_TRUE(attacked.result.step.equal(at::ones_like(attacked.labels)));
  }
}

TEST_P(DeepFoolAttack, FindsThePyTorchImages) {
  const ReferenceNet net("deepfool_reference.safetensors");
  const at::Tensor images = net.file.at("images").contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor expected = net.file.at(GetParam() == Norm::kLinf ? "linf.adversarial" : "l2.adversarial");
  const at::Tensor found = attack_batch_of(net, options(1), images).result.adversarial;
  const double error = (found - expected).abs().max().item<double>();
  constexpr double kAllowed = 1e-4;
  RecordProperty("percent_of_allowed_error", std::to_string(100 * error / kAllowed));
  EXPECT_LE(error, kAllowed);
}

TEST_P(DeepFoolAttack, SucceedsOnlyWithinEps) {
  const SmallNet net;
  const at::Tensor images = random_tensor(5, {64, 2, 4, 4}, 0, 1);
  const double eps = GetParam() == Norm::kLinf ? 0.06 : 0.3;
  const Attacked attacked = attack_batch_of(net, options(eps), images);
  const AttackResult& result = attacked.result;
  EXPECT_TRUE(result.success.equal(result.distance <= eps));
  EXPECT_GT(result.success.sum().item<int64_t>(), 0);
  EXPECT_LT(result.success.sum().item<int64_t>(), 64);
  test::expect_within({GetParam(), 100}, images, result.adversarial);
  const at::Tensor found = result.distance.isfinite();
  EXPECT_TRUE(misclassified(net(result.adversarial), attacked.labels).equal(found));
  const at::Tensor size = perturbation_norm(GetParam(), result.adversarial - images);
  EXPECT_TRUE(at::allclose(size.masked_select(found), result.distance.masked_select(found)));
}

TEST_P(DeepFoolAttack, DependsOnNeitherBatchNorOrder) {
  testing::expect_independent_of_batches(
      options(0.3, 10), 30, {{7}, {30, /*backwards=*/true}},
      [](const AttackResult& part, const AttackResult& whole) {
        EXPECT_TRUE(at::allclose(part.distance, whole.distance, 1e-4, 1e-6));
      });
}

TEST_P(DeepFoolAttack, TakesTwoForwardsAStepAndABackwardForEachClass) {
  AttackOptions options = this->options(1, 3);
  const LinearModel model(5);
  // A logit of zero gradient everywhere: no step leads anywhere, so no image leaves.
  const auto constant = [&](const at::Tensor& x) { return 0.0 * model(x) + model.bias; };
  const Attacked all = attack_batch_of(constant, options, grey_images(7));
  EXPECT_EQ(all.passes.backward, 7 * 3 * 4);
  EXPECT_EQ(all.passes.forward, 7 * (1 + 3 * 2));
  EXPECT_FALSE(all.result.distance.isfinite().any().item<bool>());
  EXPECT_TRUE(all.result.adversarial.equal(grey_images(7)));
  options.targets = 2;
  EXPECT_EQ(attack_batch_of(constant, options, grey_images(7)).passes.backward, 7 * 3 * 2);
}

}  // namespace
}  // namespace selfgrad
