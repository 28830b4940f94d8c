// Agreement with PyTorch, image by image: reference/make_pgd_reference.py and make_mi_fgsm_reference.py say
// what is compared.
#include <gtest/gtest.h>

#include "attack/pgd.h"
#include "networks.h"

namespace selfgrad {
namespace {

using testing::ReferenceNet;

/// The images and verdicts `key` of the file of `net`.
void expect_reference(const ReferenceNet& net, const AttackOptions& options, const std::string& key) {
  const at::Tensor images = net.file.at("images").contiguous(at::MemoryFormat::ChannelsLast);
  const testing::Attacked attacked = testing::attack_batch_of(net, options, images);
  ASSERT_TRUE(attacked.labels.equal(net.file.at("labels")));
  EXPECT_TRUE(attacked.result.success.equal(net.file.at(key + ".success")));
  const at::Tensor error = (attacked.result.adversarial - net.file.at(key + ".adversarial")).abs();
  constexpr double kAllowed = 1e-4;
  ::testing::Test::RecordProperty("percent_of_allowed_error",
                                  std::to_string(100 * error.max().item<double>() / kAllowed));
  EXPECT_LE(error.max().item<double>(), kAllowed);
}

class PgdReference : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

INSTANTIATE_TEST_SUITE_P(PyTorch, PgdReference,
                         ::testing::Combine(::testing::Values("linf", "l2"),
                                            ::testing::Values("ce", "margin")),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param);
                         });

TEST_P(PgdReference, ProducesPyTorchValues) {
  const auto& [norm, loss] = GetParam();
  const ReferenceNet net("pgd_reference.safetensors");
  AttackOptions options;
  options.name = "pgd";
  options.threat = norm == "linf" ? Threat{Norm::kLinf, 0.03} : Threat{Norm::kL2, 0.25};
  options.alpha = norm == "linf" ? 0.008 : 0.06;
  options.steps = 10;
  options.random_start = false;
  options.loss = loss == "ce" ? AttackLoss::kCrossEntropy : AttackLoss::kMargin;
  expect_reference(net, options, norm + "." + loss);
}

TEST(MiFgsmReference, ProducesPyTorchValues) {
  const ReferenceNet net("mi_fgsm_reference.safetensors");
  for (const std::string norm : {"linf", "l2"}) {
    SCOPED_TRACE(norm);
    AttackOptions options;
    options.name = "mi-fgsm";
    options.threat = norm == "linf" ? Threat{Norm::kLinf, 0.03} : Threat{Norm::kL2, 0.25};
    options.alpha = norm == "linf" ? 0.008 : 0.06;
    options.steps = 10;
    expect_reference(net, options, norm);
  }
}

}  // namespace
}  // namespace selfgrad
