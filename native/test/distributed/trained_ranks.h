// What tests of training by several ranks share: the run, and its comparison with that of one process.
#pragma once

#include <filesystem>

#include "distributed/ranks.h"
#include "train/tiny_training.h"

namespace selfgrad::test {

/// What each rank ends with.
inline std::vector<Outcome> train_ranks(int64_t size, const TrainOptions& options,
                                        const Circumstances& circumstances = {}) {
  std::vector<Outcome> outcomes(size);
  const std::vector<std::string> failures = as_ranks(size, [&](const WorldPtr& world) {
    TrainOptions own = options;
    own.world = world;
    // Paths are rank 0's business.
    if (world->rank() > 0) own.checkpoint_path = own.resume_path = "";
    outcomes[world->rank()] = train_tiny(own, circumstances);
  });
  EXPECT_EQ(failures, std::vector<std::string>(size));
  return outcomes;
}

/// Rounding differs by the shape of a batch, and training amplifies it: most where a gradient near 0 decides
/// by its sign.
inline void expect_close(const NamedTensors& a, const NamedTensors& b, const std::string& what,
                         double tolerance = 5e-3) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const at::Tensor left = a[i].second.to(at::kDouble), right = b[i].second.to(at::kDouble);
    EXPECT_LE((left - right).abs().max().item<double>(), tolerance * (1 + right.abs().max().item<double>()))
        << what << " " << a[i].first;
  }
}

/// Few steps, none of which turns on a sign.
inline TrainOptions smooth_options(const std::string& strategy) {
  TrainOptions options = tiny_options(strategy);
  options.threat = {Norm::kL2, 0.5};
  options.strategy.alpha = 0.2;
  options.epochs = 0.5;
  options.batch_size = 20;
  // Its attack climbs from where the divergence is all but flat: there rounding chooses the direction.
  if (strategy == "trades") options.strategy.steps = 0;
  return options;
}

inline void expect_same_run(const TrainOptions& options, int64_t size, const std::string& what) {
  const Outcome one = train_tiny(options);
  const std::vector<Outcome> ranks = train_ranks(size, options);
  for (const Outcome& rank : ranks) {
    expect_close(rank.state, one.state, what, 2e-4);
    EXPECT_EQ(rank.result.passes.forward, one.result.passes.forward) << what;
    EXPECT_EQ(rank.result.passes.backward, one.result.passes.backward) << what;
    EXPECT_EQ(rank.result.weight_gradients, one.result.weight_gradients) << what;
    expect_same(rank.state, ranks[0].state, what + ", another rank");
  }
}

/// With examples in flight.
inline TrainOptions relayed() {
  TrainOptions options = smooth_options("self-gradient");
  options.batch_size = 24;
  options.strategy.steps = 1;
  options.strategy.relay = 3;
  options.strategy.fresh_weight = 0.5;
  options.strategy.consistency = 0.1;
  options.strategy.alarm = options.strategy.adaptive_step = true;
  return options;
}

}  // namespace selfgrad::test
