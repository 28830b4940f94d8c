// Several runs in one process, each on a thread of its own as in the addon, and stopping from another thread:
// for the thread sanitizer (scripts/sanitize.mjs) as much as for the values.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "evaluate/evaluator.h"
#include "fixtures.h"
#include "nn/model_file.h"
#include "tensor/block_cache.h"
#include "train/tiny_training.h"

namespace selfgrad {
namespace {

constexpr int kRuns = 3;

/// As a job's thread begins.
void compute(const std::function<void()>& work) {
  at::set_num_threads(2);
  const BlockCacheGuard blocks;
  work();
}

/// `work(i)` for each of the runs, all at once.
void at_once(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kRuns; ++i)
    threads.emplace_back([&work, i] { compute([&] { work(i); }); });
  for (std::thread& thread : threads)
    thread.join();
}

EvaluateOptions two_attacks(int64_t count) {
  EvaluateOptions options;
  options.count = count;
  options.batch_size = 16;
  for (const char* name : {"pgd", "square"}) {
    AttackOptions attack;
    attack.name = name;
    attack.threat = {Norm::kLinf, 0.1};
    attack.alpha = 0.02;
    attack.steps = 5;
    attack.queries = 20;
    options.attacks.push_back(attack);
  }
  return options;
}

/// One evaluation of a network, as the addon asks for it.
EvaluateResult measure(Network& network, const Dataset& data) {
  const std::atomic<bool> stop{false};
  EvaluateOptions options = two_attacks(data.count());
  options.windows = [&] { return network.window_forward(); };
  return evaluate([&](const at::Tensor& x) { return network.logits(x, stop); }, data, options, stop,
                  [](const EvaluateProgress&) {});
}

TEST(Threads, RunsThatTrainAtOnceEndAsEachAlone) {
  std::array<NamedTensors, kRuns> alone, together;
  const auto train = [](int run) {
    TrainOptions options = test::tiny_options(std::array{"self-gradient", "pgd", "trades"}.at(run));
    options.average_decay = 0.9;
    return test::train_tiny(options).state;
  };
  for (int i = 0; i < kRuns; ++i)
    std::thread([&, i] { compute([&] { alone.at(i) = train(i); }); }).join();
  at_once([&](int i) { together.at(i) = train(i); });
  for (int i = 0; i < kRuns; ++i)
    test::expect_same(together.at(i), alone.at(i));
}

TEST(Threads, EvaluationsAtOnceShareANetworkThatIsSavedMeanwhile) {
  const auto network = make_network(test::tiny_network());
  network->eval();
  const Dataset data = test::pattern_dataset(40, test::kShape, 4);
  EvaluateResult alone;
  std::thread([&] { compute([&] { alone = measure(*network, data); }); }).join();
  std::array<EvaluateResult, kRuns> results;
  const std::string path = test::temporary("shared");
  at_once([&](int i) {
    results.at(i) = measure(*network, data);
    save_network(path, *network, {});
  });
  std::filesystem::remove(path);
  for (const EvaluateResult& result : results) {
    EXPECT_EQ(result.broken_by, alone.broken_by);
    EXPECT_EQ(result.predictions, alone.predictions);
  }
}

TEST(Threads, AStopFromAnotherThreadEndsARunThatTrains) {
  std::atomic<bool> stop{false};
  std::promise<void> begun;
  const Dataset data = test::pattern_dataset(72, test::kShape, 4);
  TrainOptions options = test::tiny_options("self-gradient");
  options.epochs = 1e6;
  TrainResult result;
  std::thread run([&] {
    compute([&] {
      const auto network = make_network(test::tiny_network());
      result = Trainer(*network, data, nullptr, options).run(stop, [&](const TrainEvent& event) {
        if (event.kind == TrainEvent::Kind::kEpoch && event.epoch == 0) begun.set_value();
      });
    });
  });
  begun.get_future().wait();
  stop = true;
  run.join();
  EXPECT_FALSE(result.completed);
  EXPECT_GT(result.step, 0);
}

TEST(Threads, AStopFromAnotherThreadEndsAnEvaluation) {
  std::atomic<bool> stop{false};
  std::promise<void> begun;
  const auto network = make_network(test::tiny_network());
  network->eval();
  const Dataset data = test::pattern_dataset(40, test::kShape, 4);
  EvaluateOptions options = two_attacks(data.count());
  for (AttackOptions& attack : options.attacks)
    attack.steps = attack.queries = 1'000'000'000;
  std::thread run([&] {
    compute([&] {
      const auto classify = [&](const at::Tensor& x) { return network->logits(x, stop); };
      const auto observe = [&, told = false](const EvaluateProgress& /*progress*/) mutable {
        if (!std::exchange(told, true)) begun.set_value();
      };
      EXPECT_THROW(evaluate(classify, data, options, stop, observe), Cancelled);
    });
  });
  begun.get_future().wait();
  stop = true;
  run.join();
}

}  // namespace
}  // namespace selfgrad
