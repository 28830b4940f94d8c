// Self-gradient training: what it remembers of a visit.
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "tiny_training.h"

namespace selfgrad {
namespace {

using test::checkpoint_of_one_batch;
using test::frozen_options;

TEST(SelfGradient, StartsTheSecondVisitWhereTheFirstEnded) {
  TrainOptions options = frozen_options("self-gradient");
  options.strategy.initial_noise = 0;
  options.strategy.steps = 1;
  options.strategy.alpha = options.threat.eps * 30 / 127;
  for (const int visits : {1, 2, 3}) {
    options.epochs = visits;
    const at::Tensor remembered = checkpoint_of_one_batch(options).at("memory.delta").abs();
    // Thirty byte steps a visit where the sign never turned.
    EXPECT_EQ(remembered.max().item<int64_t>(), 30 * visits) << visits << " visits";
  }
}

}  // namespace
}  // namespace selfgrad
