// What a relay hands over, what the sentinel sees, and the rule of the shared memories.
#include "train/relay.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "train/sentinel.h"
#include "train/shared_memory.h"

namespace selfgrad {
namespace {

const ImageShape kSmallImage{1, 2, 3};

Flight flight(int64_t n, double value) {
  const at::Tensor images = at::full({n, 1, 2, 3}, value);
  return {.total = n,
          .images = images,
          .labels = at::full({n}, static_cast<int64_t>(value), at::kLong),
          .indices = at::full({n}, static_cast<int64_t>(value) + 10, at::kLong),
          .transforms = std::vector<Transform>(n, {1, -1, true}),
          .x = images + 0.5,
          .direction = -images,
          .agreement = at::full({n}, value),
          .logits = at::full({n, 4}, value)};
}

TEST(Relay, GivesBackWhatWasHandedOverWhenFlightsGrowOlder) {
  Relay relay(2, 3, kSmallImage, 4, at::kCPU);
  EXPECT_TRUE(relay.flights().empty());
  relay.hand_over({flight(3, 1)});
  ASSERT_EQ(relay.flights().size(), 1U);
  // The older flight is a view of the slot that the younger one overwrites.
  relay.hand_over({flight(2, 2), relay.flights()[0]});
  const auto flights = relay.flights();
  ASSERT_EQ(flights.size(), 2U);
  EXPECT_EQ(flights[0].size(), 2);
  EXPECT_EQ(flights[1].size(), 3);
  for (const auto& [flight, value] : {std::pair{flights[0], 2.0}, std::pair{flights[1], 1.0}}) {
    EXPECT_TRUE(flight.images.eq(value).all().item<bool>());
    EXPECT_TRUE(flight.x.eq(value + 0.5).all().item<bool>());
    EXPECT_TRUE(flight.direction.eq(-value).all().item<bool>());
    EXPECT_TRUE(flight.agreement.eq(value).all().item<bool>());
    EXPECT_TRUE(flight.logits.eq(value).all().item<bool>());
    EXPECT_EQ(flight.labels[0].item<int64_t>(), static_cast<int64_t>(value));
    EXPECT_EQ(flight.indices[0].item<int64_t>(), static_cast<int64_t>(value) + 10);
    EXPECT_EQ(flight.transforms[0].dx, -1);
    EXPECT_TRUE(flight.transforms[0].flip);
  }
}

TEST(Relay, HasTheSameTensorsInACheckpointInEveryState) {
  Relay empty(2, 3, kSmallImage, 4, at::kCPU);
  Relay full(2, 3, kSmallImage, 4, at::kCPU);
  full.hand_over({flight(3, 1), flight(3, 2)});
  ASSERT_EQ(empty.state().size(), full.state().size());
  for (size_t i = 0; i < empty.state().size(); ++i) {
    EXPECT_EQ(empty.state()[i].first, full.state()[i].first);
    EXPECT_EQ(empty.state()[i].second.sizes(), full.state()[i].second.sizes());
  }
}

TEST(Sentinel, RaisesOneAlarmWhenAgreementCollapsesAndRestsDuringTheRemedy) {
  Sentinel sentinel;
  for (int i = 0; i < 200; ++i)
    EXPECT_FALSE(sentinel.update(0.6 + 0.1 * (i % 3 - 1)).has_value()) << "ordinary noise";
  int alarms = 0;
  for (int64_t i = 0; i < Sentinel::kRemedySteps; ++i) {
    const auto alarm = sentinel.update(-0.2);
    if (!alarm) continue;
    ++alarms;
    EXPECT_NEAR(alarm->usual, 0.6, 0.05);
    EXPECT_LT(alarm->agreement, 0.3);
    EXPECT_TRUE(sentinel.remedy());
  }
  EXPECT_EQ(alarms, 1);
}

TEST(Sentinel, SettlesWhereSuccessiveGradientsNeitherAgreeNorOppose) {
  // On a parabola with its top at 1, a step of length a from 0 meets the gradient 1 - a: agreement is its
  // sign.
  Sentinel sentinel;
  const double alpha = 0.5;
  for (int i = 0; i < 400; ++i)
    sentinel.update(std::tanh(10 * (1 - alpha * sentinel.step_factor())));
  EXPECT_NEAR(alpha * sentinel.step_factor(), 1, 0.05);
}

TEST(SharedMemory, MovesTheRowsOfTheBatchAlongTheMeanOfUnitGradients) {
  SharedMemory memory(3, kSmallImage, 0.1);
  const at::Tensor labels = at::tensor({0, 0, 2});
  at::Tensor gradients = at::ones({3, 1, 2, 3});
  gradients[0] *= -100;  // of unit L1 norm it weighs as much as the next, which cancels it but for one pixel
  gradients[0][0][0][0] = 100;
  memory.write(labels, gradients, 0.04, 0.0);
  const at::Tensor rows = memory.read(at::tensor({0, 1, 2}));
  EXPECT_FLOAT_EQ(rows[0][0][0][0].item<float>(), 0.04F);
  EXPECT_TRUE(rows[0].flatten().narrow(0, 1, 5).eq(0).all().item<bool>());
  EXPECT_TRUE(rows[1].eq(0).all().item<bool>()) << "not in the batch";
  EXPECT_TRUE(rows[2].eq(0.04F).all().item<bool>());
  for (int i = 0; i < 5; ++i)
    memory.write(labels, gradients, 0.04, 0.0);
  EXPECT_TRUE(memory.read(at::tensor({2})).eq(0.1F).all().item<bool>()) << "clipped to eps";
}

TEST(SharedMemory, OfOneRowServesEveryLabel) {
  SharedMemory memory(1, kSmallImage, 0.1);
  memory.write(at::tensor({4, 7}), at::ones({2, 1, 2, 3}), 0.04, 0.3);
  EXPECT_TRUE(memory.read(at::tensor({0, 9})).eq(0.04F).all().item<bool>());
}

}  // namespace
}  // namespace selfgrad
