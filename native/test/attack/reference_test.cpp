// Agreement with PyTorch, image by image: reference/make_pgd_reference.py says what is compared.
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "attack/pgd.h"
#include "io/safetensors.h"
#include "networks.h"

namespace selfgrad {
namespace {

TensorFile load_reference() {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "reference";
  return read_safetensors((folder / "pgd_reference.safetensors").string());
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
  const TensorFile file = load_reference();
  const auto network = [&](const at::Tensor& x) {
    const at::Tensor a = at::silu(at::conv2d(x, file.at("conv1"), file.at("bias1"), 1, 1));
    const at::Tensor b = at::silu(at::conv2d(a, file.at("conv2"), file.at("bias2"), 2, 1));
    return at::linear(b.contiguous().flatten(1), file.at("head"));
  };
  AttackOptions options;
  options.name = "pgd";
  options.threat = norm == "linf" ? Threat{Norm::kLinf, 0.03} : Threat{Norm::kL2, 0.25};
  options.alpha = norm == "linf" ? 0.008 : 0.06;
  options.steps = 10;
  options.random_start = false;
  options.loss = loss == "ce" ? AttackLoss::kCrossEntropy : AttackLoss::kMargin;
  const at::Tensor images = file.at("images").contiguous(at::MemoryFormat::ChannelsLast);
  const testing::Attacked attacked = testing::attack_batch_of(network, options, images);
  ASSERT_TRUE(attacked.labels.equal(file.at("labels")));
  EXPECT_TRUE(attacked.result.success.equal(file.at(norm + "." + loss + ".success")));
  const at::Tensor error = (attacked.result.adversarial - file.at(norm + "." + loss + ".adversarial")).abs();
  constexpr double kAllowed = 1e-4;
  RecordProperty("percent_of_allowed_error", std::to_string(100 * error.max().item<double>() / kAllowed));
  EXPECT_LE(error.max().item<double>(), kAllowed);
}

}  // namespace
}  // namespace selfgrad
