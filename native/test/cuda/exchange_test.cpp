// Ranks on emulated GPUs: what they exchange there, that they train as one process does, and how they end
// when a rank is lost.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distributed/device_exchange.h"
#include "distributed/trained_ranks.h"
#include "emulated_cuda.h"
#include "emulated_exchange.h"

namespace selfgrad {
namespace {

using test::as_ranks;
using test::kGpu;
using test::PluginGuard;
using Failures = std::vector<std::string>;

TEST(WorldOnGpus, SumsThereWithoutAWait) {
  const PluginGuard plugin;
  EXPECT_EQ(
      as_ranks(3,
               [](const WorldPtr& world) {
                 world->use(kGpu);
                 const auto rank = static_cast<double>(world->rank());
                 const auto there = at::device(kGpu);
                 const at::Tensor a = at::full({3}, rank, there), strided = at::full({4, 2}, rank, there).t();
                 world->sum(std::vector<double>{0});
                 if (world->rank() == 0) test::forget_traffic();
                 world->sum(std::vector<double>{0});
                 world->sum({a, strided});
                 world->sum(std::vector<double>{0});
                 EXPECT_EQ(test::traffic().waits, 0);
                 world->sum(std::vector<double>{0});
                 EXPECT_TRUE(a.cpu().eq(3).all().item<bool>());
                 EXPECT_TRUE(strided.cpu().eq(3).all().item<bool>());
                 EXPECT_EQ(world->sum(std::vector<double>{rank})[0], 3);
               }),
      Failures(3));
}

TEST(WorldOnGpus, BroadcastsGathersAndScattersByTheHosts) {
  const PluginGuard plugin;
  EXPECT_EQ(
      as_ranks(3,
               [](const WorldPtr& world) {
                 world->use(kGpu);
                 const at::Tensor all = at::arange(21).view({7, 3});
                 const at::Tensor mine = world->mine(all).to(kGpu);
                 const at::Tensor gathered = world->gather(mine, 7);
                 EXPECT_EQ(gathered.defined(), world->rank() == 0);
                 if (gathered.defined()) {
                   EXPECT_TRUE(at::equal(gathered, all));
                 }
                 const at::Tensor back = at::zeros_like(mine);
                 world->scatter(world->rank() == 0 ? all : at::Tensor(), back);
                 EXPECT_TRUE(at::equal(back.cpu(), world->mine(all)));
                 const at::Tensor told = at::full({2, 2}, world->rank() == 0 ? 7 : 0, at::device(kGpu)).t();
                 world->broadcast(told);
                 EXPECT_TRUE(told.cpu().eq(7).all().item<bool>());
               }),
      Failures(3));
}

TEST(WorldOnGpus, SaysWhichGpusDoNotReachEachOther) {
  const PluginGuard plugin;
  test::exchange_error = "invalid usage\nDuplicate GPU detected";
  const Failures failures = as_ranks(2, [](const WorldPtr& world) { world->use(kGpu); });
  test::exchange_error = "";
  for (const int rank : {0, 1})
    EXPECT_EQ(failures[rank],
              "ERR_DEVICE Rank " + std::to_string(rank) +
                  " on cuda:0 does not reach the other ranks' GPUs: invalid usage Duplicate GPU "
                  "detected. Give each rank of a machine a LOCAL_RANK and a GPU of its own, see "
                  "what NCCL_DEBUG=INFO says, or write device=cpu.");
}

TrainOptions there(TrainOptions options) {
  options.device = kGpu;
  return options;
}

TEST(RanksOnGpus, TrainAsOneProcessByEveryStrategy) {
  const PluginGuard plugin;
  for (const std::string& strategy : test::kStrategies)
    test::expect_same_run(there(test::smooth_options(strategy)), strategy == "pgd" ? 3 : 2, strategy);
}

TEST(RanksOnGpus, TrainAsOneProcessWithARelayPerturbedWeightsAndAnAverage) {
  const PluginGuard plugin;
  TrainOptions options = there(test::relayed());
  test::expect_same_run(options, 2, "relay");
  options = there(test::smooth_options("self-gradient"));
  options.strategy.memory = StrategyOptions::Memory::kClass;
  options.class_weights = at::tensor({0.5, 1.0, 2.0, 4.0}, at::kFloat);
  options.weight_perturbation = 0.005;
  options.average_decay = 0.9;
  test::expect_same_run(options, 2, "shared memory");
}

TEST(RanksOnGpus, WaitNoOftenerForALongerAttack) {
  const PluginGuard plugin;
  const auto waits = [](int64_t steps) {
    TrainOptions options = there(test::smooth_options("pgd"));
    options.strategy.steps = steps;
    test::forget_traffic();
    const int64_t calls = test::train_ranks(2, options)[0].result.traffic.calls;
    EXPECT_GT(calls, 0);
    return test::traffic().waits;
  };
  const int64_t few = waits(1);
  EXPECT_EQ(waits(5), few);
}

TEST(RanksOnGpus, ResumeToTheSameBytesAndHandOverToOneProcess) {
  const PluginGuard plugin;
  TrainOptions options = there(test::relayed());
  options.epochs = 2;
  const std::vector<test::Outcome> unbroken = test::train_ranks(2, options);
  options.checkpoint_path = test::temporary("gpu-ranks");
  test::train_ranks(2, options, {.cancel_epoch = 1});
  options.resume_path = options.checkpoint_path;
  options.checkpoint_path = "";
  test::expect_same(test::train_ranks(2, options)[1].state, unbroken[1].state);
  test::expect_close(test::train_tiny(options).state, unbroken[0].state, "one process");
  std::filesystem::remove(options.resume_path);
}

TEST(RanksOnGpus, NoticeARankThatHasLeftWhileTheyWaitForTheDevice) {
  const PluginGuard plugin;
  const Failures failures = as_ranks(2, [](const WorldPtr& world) {
    world->use(kGpu);
    if (world->rank() == 1) throw Error("ERR_DATA", "gone");
    test::EmulatedExchange& exchange = test::exchange_of(0);
    exchange.stick();
    const at::Tensor there = at::ones({3}, at::device(kGpu));
    world->sum({there});
    exchange.wait_for_abort();
    EXPECT_THROW(world->sum({there}), Error);
    world->check();
  });
  EXPECT_EQ(failures[1], "ERR_DATA gone");
  EXPECT_EQ(failures[0].substr(0, 74),
            "ERR_RANK Rank 0 of 2 waits for another that has ended or does not answer: ");
}

TEST(RanksOnGpus, BlameALostRankForWhatItsAbsenceDoesToNumbers) {
  const PluginGuard plugin;
  const Failures failures = as_ranks(2, [](const WorldPtr& world) {
    TrainOptions options = there(test::tiny_options("self-gradient"));
    options.world = world;
    test::train_tiny(options, {.observer = [&](const TrainEvent& event) {
                       if (event.kind != TrainEvent::Kind::kEpoch) return;
                       if (world->rank() == 1) throw Error("ERR_DATA", "gone");
                       test::exchange_of(0).wait_for_abort();
                       throw Error("ERR_NUMERIC", "logits that are not finite");
                     }});
  });
  EXPECT_EQ(failures[1], "ERR_DATA gone");
  EXPECT_EQ(failures[0].substr(0, 23), "ERR_RANK Rank 0 of 2 wa");
}

std::string loss_of(test::EmulatedExchange& devices, DeviceExchange& exchange) {
  devices.wait_for_abort();
  return test::message_of([&] {
    try {
      exchange.check();
    } catch (const std::runtime_error& error) {
      throw Error("lost", error.what());
    }
  });
}

TEST(DeviceExchange, EndsASumThatTakesTooLong) {
  const auto devices = c10::make_intrusive<test::EmulatedExchange>(0, 1, nullptr),
             beats = c10::make_intrusive<test::EmulatedExchange>(0, 1, nullptr);
  devices->stick();
  DeviceExchange exchange(devices, beats, std::chrono::milliseconds(0));
  exchange.check();
  exchange.sum(at::ones({1}));
  EXPECT_EQ(loss_of(*devices, exchange),
            "lost a sum over the GPUs has taken longer than the ranks wait for each other");
}

TEST(DeviceExchange, PassesOnWhatASumFailedWith) {
  const auto devices = c10::make_intrusive<test::EmulatedExchange>(0, 1, nullptr),
             beats = c10::make_intrusive<test::EmulatedExchange>(0, 1, nullptr);
  devices->stick();
  DeviceExchange exchange(devices, beats, std::chrono::minutes(1));
  exchange.sum(at::ones({1}));
  devices->last().end(std::make_exception_ptr(std::runtime_error("remote process exited")));
  EXPECT_EQ(loss_of(*devices, exchange), "lost remote process exited");
}

}  // namespace
}  // namespace selfgrad
