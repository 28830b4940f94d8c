// Several ranks train as one process does: the same batches and draws, the same weights up to rounding, and
// one checkpoint for both.
#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "distributed/trained_ranks.h"

namespace selfgrad {
namespace {

using test::expect_close;
using test::expect_same_run;
using test::Outcome;
using test::relayed;
using test::smooth_options;
using test::temporary;
using test::tiny_options;
using test::train_ranks;
using test::train_tiny;

/// What each rank fails with; empty for one that trains to its end.
std::vector<std::string> failures_of_ranks(int64_t size, const TrainOptions& options) {
  return test::as_ranks(size, [&](const WorldPtr& world) {
    TrainOptions own = options;
    own.world = world;
    train_tiny(own);
  });
}

TEST(Ranks, TrainAsOneProcessByEveryStrategy) {
  for (const std::string& strategy : test::kStrategies)
    expect_same_run(smooth_options(strategy), strategy == "pgd" ? 4 : 2, strategy);
}

TEST(Ranks, TrainAsOneProcessWithARelay) {
  expect_same_run(relayed(), 4, "relay");
}

TEST(Ranks, TrainAsOneProcessWithSharedMemories) {
  TrainOptions options = smooth_options("self-gradient");
  for (const auto memory : {StrategyOptions::Memory::kClass, StrategyOptions::Memory::kUniversal}) {
    options.strategy.memory = memory;
    expect_same_run(options, 2, "shared memory");
  }
}

TEST(Ranks, TrainAsOneProcessWithClassWeightsPerturbedWeightsAndAnAverage) {
  for (const char* strategy : {"trades", "mart", "self-gradient"}) {
    TrainOptions options = smooth_options(strategy);
    options.class_weights = at::tensor({0.5, 1.0, 2.0, 4.0}, at::kFloat);
    options.weight_perturbation = 0.005;
    options.average_decay = 0.9;
    expect_same_run(options, 3, strategy);
  }
}

TEST(Ranks, ValidateTogether) {
  TrainOptions options = tiny_options("standard");
  options.validate_every = 1;
  options.validate_count = 21;
  options.validate_attack.name = "fgsm";
  options.validate_attack.threat = options.threat;
  const Dataset validation = test::pattern_dataset(21, test::kShape, 4);
  const auto validated = [&](TrainOptions own) {
    const Dataset data = test::pattern_dataset(72, test::kShape, 4);
    const auto network = make_network(test::tiny_network());
    const std::atomic<bool> stop{false};
    std::vector<TrainEvent> found;
    Trainer(*network, data, &validation, std::move(own)).run(stop, [&](const TrainEvent& event) {
      if (event.kind == TrainEvent::Kind::kEval) found.push_back(event);
    });
    return found;
  };
  const std::vector<TrainEvent> one = validated(options);
  EXPECT_EQ(test::as_ranks(3,
                           [&](const WorldPtr& world) {
                             TrainOptions own = options;
                             own.world = world;
                             const std::vector<TrainEvent> found = validated(own);
                             ASSERT_EQ(found.size(), one.size());
                             for (size_t i = 0; i < one.size(); ++i) {
                               EXPECT_EQ(found[i].count, 21);
                               EXPECT_NEAR(static_cast<double>(found[i].clean),
                                           static_cast<double>(one[i].clean), 1);
                               EXPECT_EQ(found[i].passes.forward > 0, one[i].passes.forward > 0);
                             }
                           }),
            std::vector<std::string>(3));
}

TEST(Ranks, ShareOneCheckpointWithASingleProcess) {
  for (TrainOptions options : {relayed(), smooth_options("free")}) {
    options.epochs = 2;
    const std::string whole = temporary("whole"), half = temporary("half");
    options.checkpoint_path = whole;
    const Outcome unbroken = train_tiny(options);
    options.checkpoint_path = half;
    // Begun by three ranks, gone on by one process, and the other way round.
    const std::vector<Outcome> begun = train_ranks(3, options, {.cancel_epoch = 1});
    EXPECT_FALSE(begun[0].result.completed);
    EXPECT_EQ(begun[2].result.step, begun[0].result.step);
    options.resume_path = half;
    expect_close(train_tiny(options).state, unbroken.state, options.strategy.name + ", three then one");
    options.resume_path = "";
    train_tiny(options, {.cancel_epoch = 1});
    options.resume_path = half;
    expect_close(train_ranks(2, options)[1].state, unbroken.state, options.strategy.name + ", one then two");
    const TensorFile a = read_safetensors(whole), b = read_safetensors(half);
    ASSERT_EQ(a.tensors.size(), b.tensors.size());
    for (size_t i = 0; i < a.tensors.size(); ++i) {
      EXPECT_EQ(a.tensors[i].first, b.tensors[i].first);
      EXPECT_EQ(a.tensors[i].second.sizes(), b.tensors[i].second.sizes());
    }
    std::filesystem::remove(whole);
    std::filesystem::remove(half);
  }
}

TEST(Ranks, ResumeToTheSameBytes) {
  TrainOptions options = relayed();
  options.epochs = 2;
  const std::vector<Outcome> unbroken = train_ranks(2, options);
  options.checkpoint_path = temporary("ranks");
  train_ranks(2, options, {.cancel_epoch = 1});
  options.resume_path = options.checkpoint_path;
  test::expect_same(train_ranks(2, options)[1].state, unbroken[1].state);
  std::filesystem::remove(options.checkpoint_path);
}

TEST(Ranks, KeepEachTheirShareOfTheMemory) {
  EXPECT_EQ(test::as_ranks(3,
                           [](const WorldPtr& world) {
                             const auto strategy =
                                 make_strategy(tiny_options("standard"), 72, test::kShape, 4);
                             EXPECT_TRUE(strategy->rows().empty());
                             TrainOptions options = tiny_options("self-gradient");
                             options.world = world;
                             const auto rows = make_strategy(options, 73, test::kShape, 4)->rows().back();
                             EXPECT_EQ(rows.count, 73);
                             EXPECT_EQ(rows.tensors[0].second.size(0), world->rank() == 0 ? 25 : 24);
                           }),
            std::vector<std::string>(3));
}

TEST(Ranks, NeedAnImageEachInEveryStep) {
  // 72 images in steps of 23 leave 3.
  TrainOptions options = tiny_options("standard");
  options.batch_size = 23;
  EXPECT_EQ(
      failures_of_ranks(4, options)[1],
      "ERR_OPTION Expected a batch of at least 4 images (one a rank) for every step but an epoch's last has "
      "3. Choose another train.batchSize or fewer ranks.");
}

TEST(Ranks, AllHearOfALossThatIsNotFinite) {
  TrainOptions options = tiny_options("standard");
  options.lr = 1e30;
  const std::vector<std::string> failures = failures_of_ranks(2, options);
  EXPECT_EQ(failures[0].substr(0, 11), "ERR_NUMERIC");
  EXPECT_EQ(failures[1], failures[0]);
}

TEST(Ranks, LoseARankAndKeepTheLastCheckpoint) {
  TrainOptions options = tiny_options("self-gradient");
  options.checkpoint_path = temporary("lost");
  const std::vector<std::string> failures = test::as_ranks(3, [&](const WorldPtr& world) {
    TrainOptions own = options;
    own.world = world;
    if (world->rank() > 0) own.checkpoint_path = "";
    train_tiny(own, {.observer = [&](const TrainEvent& event) {
                 if (world->rank() == 2 && event.kind == TrainEvent::Kind::kEpoch && event.epoch == 1)
                   throw Error("ERR_DATA", "gone");
               }});
  });
  EXPECT_EQ(failures[2], "ERR_DATA gone");
  EXPECT_EQ(failures[0].substr(0, 14), "ERR_RANK Rank ");
  EXPECT_EQ(failures[1].substr(0, 14), "ERR_RANK Rank ");
  options.resume_path = options.checkpoint_path;
  const std::vector<Outcome> resumed = train_ranks(2, options);
  EXPECT_TRUE(resumed[0].result.completed);
  expect_close(resumed[0].state, train_tiny(tiny_options("self-gradient")).state, "resumed");
  std::filesystem::remove(options.checkpoint_path);
}

}  // namespace
}  // namespace selfgrad
