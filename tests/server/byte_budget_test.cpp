#include "app/server/byte_budget.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace endorm {
namespace {

TEST_CASE("a room holds what it was last given, wherever it moves, and gives it back once") {
  const auto budget = std::make_shared<ByteBudget>(100);
  {
    ByteRoom room(budget);
    CHECK(room.grow_to(60));
    CHECK(room.grow_to(40));  // at least: it has them
    CHECK(budget->held() == 60);
    CHECK_FALSE(room.grow_to(101));
    CHECK(budget->held() == 60);
    ByteRoom other(budget);
    CHECK_FALSE(other.grow_to(41));
    CHECK(other.grow_to(40));
    CHECK_FALSE(budget->has(1));
    const ByteRoom taken = std::move(room);
    room = std::move(other);
    CHECK(budget->held() == 100);
    CHECK(room.grow_to(40));
    room.hold(50);  // what is there already is held beyond the budget, and nothing else fits until it goes
    CHECK(budget->held() == 150);
    CHECK_FALSE(room.grow_to(91));
  }
  CHECK(budget->held() == 0);
}

TEST_CASE("threads that take and give back never hold more than the budget, and end with nothing") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  constexpr std::size_t kMost = 1000;
  const auto budget = std::make_shared<ByteBudget>(kMost);
  std::atomic<std::size_t> granted = 0;
  std::atomic<bool> beyond = false;
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      RandomStream random(seed + thread);
      for (int round = 0; round < 20000; ++round) {
        const std::size_t bytes = random.below(500);
        ByteRoom room(budget);
        if (room.grow_to(bytes)) {
          beyond = beyond || granted.fetch_add(bytes) + bytes > kMost;
          granted -= bytes;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK_FALSE(beyond);
  CHECK(budget->held() == 0);
}

}  // namespace
}  // namespace endorm
