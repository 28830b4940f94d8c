// What ranks tell each other, against values known in closed form.
#include "distributed/world.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "distributed/ranks.h"
#include "fixtures.h"

namespace selfgrad {
namespace {

using test::as_ranks;
using Failures = std::vector<std::string>;

TEST(World, OfOneLeavesEverythingAsItIs) {
  World world;
  const at::Tensor rows = at::arange(5);
  EXPECT_EQ(world.rows(5), 5);
  EXPECT_TRUE(at::equal(world.mine(rows), rows));
  EXPECT_TRUE(world.gather(rows, 5).is_same(rows));
  EXPECT_EQ(world.mean(0.1, 3), 0.1);
  EXPECT_EQ(world.sum({0.1, 7})[0], 0.1);
  EXPECT_EQ(world.texts("a"), std::vector<std::string>{"a"});
  EXPECT_EQ(world.traffic().calls, 0);
}

TEST(World, SharesRowsOutInTurns) {
  EXPECT_EQ(as_ranks(3,
                     [](const WorldPtr& world) {
                       EXPECT_EQ(world->rows(7), world->rank() == 0 ? 3 : 2);
                       EXPECT_EQ(world->rows(2), world->rank() == 2 ? 0 : 1);
                       const at::Tensor mine = world->mine(at::arange(7));
                       EXPECT_EQ(mine.size(0), world->rows(7));
                       EXPECT_EQ(mine[1].item<int64_t>(), world->rank() + 3);
                     }),
            Failures(3));
}

TEST(World, SumsWhereverTheTensorsLie) {
  EXPECT_EQ(as_ranks(4,
                     [](const WorldPtr& world) {
                       const auto rank = static_cast<double>(world->rank());
                       const at::Tensor a = at::full({3}, rank), strided = at::full({4, 2}, rank).t();
                       const at::Tensor left = at::full({2, 2}, rank);
                       world->sum({a, strided, left.select(1, 0)});
                       EXPECT_TRUE(a.eq(6).all().item<bool>());
                       EXPECT_TRUE(strided.eq(6).all().item<bool>());
                       EXPECT_TRUE(left.select(1, 0).eq(6).all().item<bool>());
                       EXPECT_TRUE(left.select(1, 1).eq(rank).all().item<bool>());
                       EXPECT_EQ(world->sum({rank, 1}), (std::vector<double>{6, 4}));
                       // Means 0, 1, 2, 3 over 1, 2, 3, 4 rows.
                       EXPECT_EQ(world->mean(rank, rank + 1), 2);
                     }),
            Failures(4));
}

TEST(World, CountsWhatItSends) {
  EXPECT_EQ(as_ranks(4,
                     [](const WorldPtr& world) {
                       world->sum({at::zeros({100}, at::kFloat)});
                       EXPECT_EQ(world->traffic().calls, 1);
                       EXPECT_EQ(world->traffic().bytes, 600);  // 2 · 3/4 · 400
                       EXPECT_GT(world->traffic().seconds, 0);
                     }),
            Failures(4));
}

TEST(World, BroadcastsGathersAndScatters) {
  // Of 5 rows rank 0 has two; of 2 rows ranks 2 and 3 have none.
  for (const int64_t n : {5, 2})
    EXPECT_EQ(as_ranks(4,
                       [n](const WorldPtr& world) {
                         const at::Tensor all = at::arange(n * 3).view({n, 3}).to(at::kChar);
                         const at::Tensor mine = world->mine(all).clone();
                         const at::Tensor gathered = world->gather(mine, n);
                         EXPECT_EQ(gathered.defined(), world->rank() == 0);
                         if (world->rank() == 0) {
                           EXPECT_TRUE(at::equal(gathered, all));
                         }
                         const at::Tensor back = at::zeros_like(mine);
                         world->scatter(world->rank() == 0 ? all : at::Tensor(), back);
                         EXPECT_TRUE(at::equal(back, mine));
                         const at::Tensor told = at::full({2, 2}, world->rank() == 0 ? 7 : 0).t();
                         world->broadcast(told);
                         EXPECT_TRUE(told.eq(7).all().item<bool>());
                       }),
              Failures(4));
}

TEST(World, TellsEveryText) {
  EXPECT_EQ(as_ranks(3,
                     [](const WorldPtr& world) {
                       EXPECT_EQ(world->texts(std::string(world->rank(), 'x')),
                                 (std::vector<std::string>{"", "x", "xx"}));
                     }),
            Failures(3));
}

TEST(RowExchange, CarriesRowsToTheRanksThatKeepThemAndBack) {
  // Rank 1 works on nothing, and nobody on rows that rank 2 keeps.
  EXPECT_EQ(
      as_ranks(3,
               [](const WorldPtr& world) {
                 const std::vector<std::vector<int64_t>> work{{7, 0, 3}, {}, {1, 6}};
                 const at::Tensor indices = at::tensor(work[world->rank()], at::kLong);
                 RowExchange exchange(*world, indices);
                 const std::vector<std::vector<int64_t>> kept{{0, 1, 2}, {2, 0}, {}};
                 EXPECT_TRUE(at::equal(exchange.places(), at::tensor(kept[world->rank()], at::kLong)))
                     << exchange.places();
                 const at::Tensor kept_rows = exchange.to_keepers(indices.view({-1, 1}).expand({-1, 2}) * 10);
                 EXPECT_TRUE(at::equal(kept_rows.select(1, 0),
                                       (exchange.places() * world->size() + world->rank()) * 10));
                 const at::Tensor back = exchange.from_keepers(kept_rows + 1);
                 EXPECT_TRUE(at::equal(back.select(1, 1), indices * 10 + 1)) << back;
               }),
      Failures(3));
}

TEST(World, NoticesAtOnceThatARankHasLeft) {
  const Failures failures = as_ranks(3, [](const WorldPtr& world) {
    world->sum(std::vector<double>{1});
    if (world->rank() == 1) throw Error("ERR_DATA", "gone");
    while (true)
      world->sum(std::vector<double>{1});
  });
  EXPECT_EQ(failures[1], "ERR_DATA gone");
  for (const int rank : {0, 2})
    EXPECT_EQ(failures[rank].substr(0, 52),
              "ERR_RANK Rank " + std::to_string(rank) + " of 3 waits for another that has ende")
        << failures[rank];
}

std::string alone_at(WorldOptions options) {
  options.timeout = 0.2;
  const std::atomic<bool> stop{false};
  return test::message_of([&] { World(options, stop); });
}

TEST(World, SaysWhoDidNotCome) {
  const int64_t port = test::free_port();
  EXPECT_EQ(
      alone_at(test::loopback(0, 3, port)),
      "ERR_RENDEZVOUS Of 3 ranks these did not come to 127.0.0.1:" + std::to_string(port) +
          " within 0.2 s: 1, 2. Start all ranks, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE.");
}

TEST(World, SaysThatNobodyListens) {
  const std::string message = alone_at(test::loopback(1, 2, test::free_port()));
  EXPECT_NE(message.find("ERR_RENDEZVOUS Rank 1 found nobody at 127.0.0.1:"), std::string::npos) << message;
}

TEST(World, SaysThatThePortIsTaken) {
  const test::ListeningPort taken;
  EXPECT_EQ(alone_at(test::loopback(0, 2, taken.port())).substr(0, 50),
            "ERR_RENDEZVOUS Rank 0 cannot listen on port " + std::to_string(taken.port()).substr(0, 6) + ":");
}

/// What each of these processes says when they gather; the first that fails sends the others away.
std::vector<std::string> gathered(const std::vector<WorldOptions>& processes) {
  std::atomic<bool> stop{false};
  std::vector<std::string> messages(processes.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < processes.size(); ++i)
    threads.emplace_back([&, i] {
      try {
        messages[i] = test::message_of([&] { World(processes[i], stop); });
      } catch (const Cancelled&) {
        messages[i] = "cancelled";
      }
      stop = true;
    });
  for (std::thread& thread : threads)
    thread.join();
  return messages;
}

TEST(World, RefusesTwoProcessesOfOneRank) {
  const int64_t port = test::free_port();
  const WorldOptions twin = test::loopback(1, 3, port);
  const std::vector<std::string> messages = gathered({test::loopback(0, 3, port), twin, twin});
  const std::string expected = "ERR_RENDEZVOUS Two processes at 127.0.0.1:" + std::to_string(port) +
                               " say that they are rank 1. Give each process a RANK of its own, from 0 to 2.";
  EXPECT_EQ(std::count(messages.begin() + 1, messages.end(), expected), 1) << messages[1] << messages[2];
}

TEST(World, RefusesTwoSizes) {
  const int64_t port = test::free_port();
  const std::vector<std::string> messages =
      gathered({test::loopback(0, 2, port), test::loopback(1, 3, port)});
  // Whoever comes second says it.
  const std::string all = messages[0] + messages[1];
  EXPECT_NE(all.find("ERR_RENDEZVOUS Expected one world size on all ranks but rank "), std::string::npos)
      << all;
  EXPECT_NE(all.find("Start all ranks with the same WORLD_SIZE."), std::string::npos) << all;
}

}  // namespace
}  // namespace selfgrad
