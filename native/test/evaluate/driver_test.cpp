// The driver and attack_images: what an attack claims is clipped, confirmed, and returned image by image.
#include "evaluate/driver.h"

#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include "attack/networks.h"
#include "evaluate/attack_images.h"

namespace selfgrad {
namespace {

using testing::LinearModel;
using testing::random_tensor;
using testing::SmallNet;

AttackOptions pgd_options(double eps) {
  AttackOptions options;
  options.name = "pgd";
  options.threat.eps = eps;
  options.alpha = eps / 4;
  return options;
}

Subject subject_of(const at::Tensor& images, const at::Tensor& labels) {
  Subject subject;
  subject.images = [images](const at::Tensor& rows) { return images.index_select(0, rows); };
  subject.labels = labels;
  subject.batch_size = 3;
  return subject;
}

TEST(RunAttack, CountsOnlyWhatAPassOfItsOwnConfirms) {
  const LinearModel model(2);
  const at::Tensor images = testing::grey_images(8);
  const at::Tensor labels = model(images).argmax(1);
  const std::atomic<bool> stop{false};
  // The attacker sees a network that every image fools; the checker sees the real one.
  const auto fooled = [&](const at::Tensor& x) { return -model(x); };
  Target attacker(fooled, 0, stop);
  Target checker(model, 0, stop);
  int64_t broken = 0;
  const auto observe = [&](const BatchOutcome& batch, int64_t) {
    broken += batch.broken.sum().item<int64_t>();
    EXPECT_TRUE(batch.adversarial.equal(images.index_select(0, batch.indices)));
  };
  run_attack(pgd_options(1e-4), 0, subject_of(images, labels), at::arange(8, at::kLong), attacker, checker,
             observe);
  EXPECT_EQ(broken, 0);
  EXPECT_EQ(checker.passes().forward, 8);
}

TEST(RunAttack, VisitsEachStandingImageOncePerRestart) {
  const SmallNet net;
  const at::Tensor images = random_tensor(41, {8, 2, 4, 4}, 0, 1);
  const std::atomic<bool> stop{false};
  Target target(net, 0, stop);
  AttackOptions options = pgd_options(0);
  options.restarts = 2;
  std::vector<std::vector<int64_t>> visited(2);
  const auto observe = [&](const BatchOutcome& batch, int64_t restart) {
    for (int64_t i = 0; i < batch.indices.size(0); ++i) {
      visited[restart].push_back(batch.indices[i].item<int64_t>());
    }
  };
  run_attack(options, 0, subject_of(images, net(images).argmax(1)), at::tensor({1, 2, 5, 7}, at::kLong),
             target, target, observe);
  EXPECT_EQ(visited[0], (std::vector<int64_t>{1, 2, 5, 7}));
  EXPECT_EQ(visited[1], visited[0]);
}

TEST(AttackImages, ReturnsCleanImagesWhereItFoundNothing) {
  const SmallNet net;
  const at::Tensor images = random_tensor(42, {20, 2, 4, 4}, 0, 1);
  at::Tensor labels = net(images).argmax(1);
  labels[4] = (labels[4].item<int64_t>() + 1) % 5;
  const std::atomic<bool> stop{false};
  const AttackedImages attacked = attack_images(net, images, labels, {pgd_options(0.06)}, 0, 6, stop);
  EXPECT_TRUE(attacked.predictions.equal(net(attacked.adversarial).argmax(1)));
  EXPECT_TRUE(attacked.success.equal(attacked.predictions != labels));
  EXPECT_TRUE(attacked.success[4].item<bool>());
  EXPECT_TRUE(attacked.adversarial[4].equal(images[4]));
  const at::Tensor changed = perturbation_norm(Norm::kLinf, attacked.adversarial - images);
  EXPECT_LE(changed.max().item<double>(), 0.06 + 1e-6);
  for (int64_t n = 0; n < 20; ++n) {
    if (n == 4) continue;
    EXPECT_EQ(changed[n].item<double>() > 0, attacked.success[n].item<bool>()) << n;
  }
  EXPECT_GT(attacked.success.sum().item<int64_t>(), 1);
  EXPECT_LT(attacked.success.sum().item<int64_t>(), 20);
}

TEST(AttackImages, RunsACascade) {
  const SmallNet net;
  const at::Tensor images = random_tensor(42, {20, 2, 4, 4}, 0, 1);
  const at::Tensor labels = net(images).argmax(1);
  const std::atomic<bool> stop{false};
  AttackOptions fgsm = pgd_options(0.03);
  fgsm.name = "fgsm";
  const auto run = [&](const std::vector<AttackOptions>& attacks) {
    return attack_images(net, images, labels, attacks, 0, 6, stop);
  };
  const AttackedImages first = run({fgsm});
  const AttackedImages both = run({fgsm, pgd_options(0.06)});
  EXPECT_GT(both.success.sum().item<int64_t>(), first.success.sum().item<int64_t>());
  // What the first attack broke, the second did not touch.
  const at::Tensor broken = first.success.nonzero().squeeze(1);
  EXPECT_TRUE(both.adversarial.index_select(0, broken).equal(first.adversarial.index_select(0, broken)));
}

TEST(AttackImages, BillsEverySampleOfAGradient) {
  const SmallNet net;
  const at::Tensor images = random_tensor(42, {20, 2, 4, 4}, 0, 1);
  const at::Tensor labels = net(images).argmax(1);
  const std::atomic<bool> stop{false};
  AttackOptions options = pgd_options(0.06);
  const AttackedImages once = attack_images(net, images, labels, {options}, 0, 6, stop);
  options.eot = 3;
  const AttackedImages thrice = attack_images(net, images, labels, {options}, 0, 6, stop);
  EXPECT_TRUE(thrice.success.equal(once.success));
  EXPECT_EQ(thrice.passes.backward, 3 * once.passes.backward);
}

TEST(AttackImages, OfNothingIsNothing) {
  const std::atomic<bool> stop{false};
  const at::Tensor none = random_tensor(43, {1, 2, 4, 4}, 0, 1).narrow(0, 0, 0);
  const AttackedImages attacked =
      attack_images(SmallNet{}, none, at::arange(0, at::kLong), {pgd_options(0.1)}, 0, 4, stop);
  EXPECT_EQ(attacked.predictions.size(0), 0);
  EXPECT_EQ(attacked.passes.forward, 0);
}

}  // namespace
}  // namespace selfgrad
