// Self-gradient training: what it remembers of a visit, and what it measures of its gradients.
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "tiny_training.h"

namespace selfgrad {
namespace {

using Memory = StrategyOptions::Memory;
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

TEST(SelfGradient, MovesASharedMemoryInEveryStep) {
  TrainOptions options = frozen_options("self-gradient");
  options.strategy.relay = 2;
  // A step takes half a batch of new images: this is the first of the run.
  options.epochs = 0.5;
  for (const Memory memory : {Memory::kClass, Memory::kUniversal}) {
    for (const int64_t steps : {0, 1}) {
      options.strategy.memory = memory;
      options.strategy.steps = steps;
      const at::Tensor shared = checkpoint_of_one_batch(options).at("memory.shared");
      EXPECT_NEAR(shared.abs().max().item<double>(), options.strategy.alpha, 1e-7) << steps << " steps";
    }
  }
}

TEST(SelfGradient, KnowsTheAgreementWhereSomethingUsesIt) {
  struct Use {
    double refresh;
    bool adaptive_step, alarm;
  };
  for (const Use& use :
       {Use{0, false, false}, Use{0.5, false, false}, Use{0, true, false}, Use{0, false, true}}) {
    TrainOptions options = frozen_options("self-gradient");
    options.epochs = 1;
    options.strategy.relay = 2;
    options.strategy.steps = 1;
    options.strategy.refresh = use.refresh;
    options.strategy.adaptive_step = use.adaptive_step;
    options.strategy.alarm = use.alarm;
    const TensorFile file = checkpoint_of_one_batch(options);
    const auto moved = [&](const char* name) { return file.at(name).abs().max().item<double>() > 0; };
    const bool watches = use.adaptive_step || use.alarm;
    EXPECT_EQ(moved("relay.1.agreement"), watches || use.refresh > 0);
    EXPECT_EQ(moved("sentinel"), watches);
  }
}

}  // namespace
}  // namespace selfgrad
