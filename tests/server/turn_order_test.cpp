#include "app/server/turn_order.h"

#include <algorithm>
#include <map>
#include <random>

#include <doctest/doctest.h>

#include "core/random.h"

// Who gets the model next, in slices and tokens: no time, no model.
namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<WaitingRequest> request_of(std::vector<PartCost> parts, Priority priority = Priority::kHigh) {
  auto request = std::make_shared<WaitingRequest>();
  request->parts = std::move(parts);
  request->priority = priority;
  return request;
}

// `count` parts of so many tokens behind one prompt.
std::shared_ptr<WaitingRequest> request_of(std::size_t count, std::size_t tokens, std::uint64_t prompt = 0,
                                           std::size_t prompt_tokens = 0, Priority priority = Priority::kHigh) {
  return request_of(std::vector<PartCost>(count, PartCost{prompt, prompt_tokens, tokens, 0, 1}), priority);
}

std::size_t parts_of(const std::vector<SlicePart>& slice, const std::shared_ptr<WaitingRequest>& request) {
  std::size_t parts = 0;
  for (const SlicePart& part : slice) {
    parts += part.request == request ? part.end - part.begin : 0;
  }
  return parts;
}

// How many slices are taken until nothing of it is left.
std::size_t slices_until_done(TurnOrder& order, const std::shared_ptr<WaitingRequest>& request) {
  std::size_t slices = 0;
  for (; request->left() && slices < 1000; ++slices) {
    order.take();
  }
  return slices;
}

TEST_CASE("a small request goes with the next slice, whatever large ones wait") {
  TurnOrder order({1000, 256, 0});
  std::vector<std::shared_ptr<WaitingRequest>> large;
  for (int i = 0; i < 10; ++i) {
    large.push_back(request_of(500, 100));
    order.add(large.back());
  }
  for (int slice = 0; slice < 25; ++slice) {
    CHECK(order.take().size() >= 1);
  }
  const auto small = request_of(1, 10);
  order.add(small);
  CHECK(slices_until_done(order, small) == 1);
}

TEST_CASE("large requests take turns of a slice each") {
  TurnOrder order({1000, 256, 0});
  std::vector<std::shared_ptr<WaitingRequest>> large;
  for (int i = 0; i < 4; ++i) {
    large.push_back(request_of(200, i % 2 == 0 ? 100 : 50));
    order.add(large.back());
  }
  std::map<std::size_t, std::size_t> tokens;
  for (int slice = 0; slice < 20; ++slice) {
    const std::vector<SlicePart> taken = order.take();
    std::size_t of_slice = 0;
    for (std::size_t i = 0; i < large.size(); ++i) {
      const std::size_t own = parts_of(taken, large[i]) * large[i]->parts.front().tokens;
      tokens[i] += own;
      of_slice += own;
    }
    CHECK(of_slice == 1000);
  }
  for (const auto& [i, own] : tokens) {
    CHECK(own == 5000);
  }
}

TEST_CASE("parts longer than a slice are slices of their own, and are paid for with turns") {
  TurnOrder order({1000, 256, 0});
  const auto long_parts = request_of(50, 3000);
  const auto short_parts = request_of(500, 100);
  order.add(long_parts);
  order.add(short_parts);
  std::size_t of_long = 0;
  std::size_t of_short = 0;
  for (int slice = 0; slice < 24; ++slice) {
    const std::vector<SlicePart> taken = order.take();
    of_long += 3000 * parts_of(taken, long_parts);
    of_short += 100 * parts_of(taken, short_parts);
    CHECK((parts_of(taken, long_parts) == 0 || taken.size() == 1));
  }
  CHECK(of_long >= of_short / 2);
  CHECK(of_long <= 2 * of_short);
}

TEST_CASE("those that were begun have a slice in four, however many come") {
  TurnOrder order({1000, 256, 0});
  const auto large = request_of(500, 100);
  order.add(large);
  order.take();
  std::size_t slices_with_it = 0;
  for (int slice = 0; slice < 40; ++slice) {
    for (int i = 0; i < 12; ++i) {
      order.add(request_of(1, 100));
    }
    slices_with_it += parts_of(order.take(), large) > 0 ? 1 : 0;
  }
  CHECK(slices_with_it == 10);
}

TEST_CASE("low priority waits for high, but for a slice in eight") {
  TurnOrder order({1000, 256, 0});
  const auto low = request_of(500, 100, 0, 0, Priority::kLow);
  const auto high = request_of(5000, 100);
  order.add(low);
  order.add(high);
  std::size_t slices_of_low = 0;
  for (int slice = 0; slice < 80; ++slice) {
    slices_of_low += parts_of(order.take(), low) > 0 ? 1 : 0;
  }
  CHECK(slices_of_low == 10);
  const auto urgent = request_of(1, 10);
  order.add(urgent);
  CHECK(slices_until_done(order, urgent) <= 2);
}

TEST_CASE("low priority has what high leaves") {
  TurnOrder order({1000, 256, 0});
  const auto low = request_of(20, 100, 0, 0, Priority::kLow);
  const auto high = request_of(4, 100);
  order.add(low);
  order.add(high);
  const std::vector<SlicePart> taken = order.take();
  CHECK(taken.front().request == high);
  CHECK(parts_of(taken, high) == 4);
  CHECK(parts_of(taken, low) == 6);
}

TEST_CASE("a prompt costs once a slice, and nothing where it was kept") {
  TurnOrder lost({1000, 256, 0});
  const auto first = request_of(10, 100, /*prompt=*/7, /*prompt_tokens=*/200);
  lost.add(first);
  CHECK(parts_of(lost.take(), first) == 8);
  TurnOrder kept({1000, 256, 500});
  const auto second = request_of(20, 100, 7, 200);
  kept.add(second);
  CHECK(parts_of(kept.take(), second) == 8);
  CHECK(parts_of(kept.take(), second) == 10);
}

TEST_CASE("behind a long prompt that is not kept a slice goes on") {
  TurnOrder order({1000, 256, 0});
  const auto request = request_of(100, 100, 7, 2000);
  order.add(request);
  CHECK(parts_of(order.take(), request) == 60);  // 2,000 and 60 times 100
}

TEST_CASE("who has the same prompt goes along") {
  TurnOrder order({1000, 256, 0});
  std::vector<std::shared_ptr<WaitingRequest>> requests;
  for (std::uint64_t i = 0; i < 6; ++i) {
    requests.push_back(request_of(1, 100, 1 + i % 2, 400));
    order.add(requests.back());
  }
  const std::vector<SlicePart> taken = order.take();
  CHECK(taken.size() == 3);
  for (const SlicePart& part : taken) {
    CHECK(part.request->parts.front().prompt == 1);
  }
}

TEST_CASE("what was given up, or is late, is dropped and counts no more") {
  TurnOrder order({1000, 256, 0});
  const auto stays = request_of(3, 100);
  const auto left = request_of(30, 100, 5, 50);
  const auto late = request_of(30, 100);
  late->deadline = Clock::now();
  for (const auto& request : {left, late, stays}) {
    order.add(request);
  }
  CHECK(order.waiting().responses == 63);
  CHECK(order.waiting().tokens == 6300 + 50);
  CHECK(parts_of(order.take(), left) == 9);
  *left->given_up = true;
  CHECK(order.drop(Clock::now()).size() == 2);
  CHECK(order.waiting().responses == 3);
  CHECK(order.waiting().tokens == 300);
  CHECK(parts_of(order.take(), stays) == 3);
  CHECK(order.empty());
}

TEST_CASE("a drawn token weighs as many that are read") {
  TurnOrder order({1000, 256, 0});
  const auto request = request_of(std::vector<PartCost>(10, PartCost{0, 0, 20, 7, 1}));
  order.add(request);
  CHECK(order.waiting().tokens == 270);
  CHECK(parts_of(order.take(), request) == 2);  // 20 and 64 times 7
}

TEST_CASE("whatever waits, every part is taken once, in order, and slices keep their limits") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  RandomStream random(seed);
  for (int round = 0; round < 50; ++round) {
    const SliceLimits limits{1 + random.below(2000), 1 + random.below(40), random.below(2) * random.below(3000)};
    TurnOrder order(limits);
    std::vector<std::shared_ptr<WaitingRequest>> requests;
    std::map<WaitingRequest*, std::size_t> taken;
    std::size_t still = 30;
    while (still > 0 || !order.empty()) {
      for (std::size_t i = random.below(3); still > 0 && i > 0; --i, --still) {
        auto request = request_of({}, random.below(2) == 0 ? Priority::kHigh : Priority::kLow);
        for (std::size_t part = 1 + random.below(20); part > 0; --part) {
          const std::uint64_t prompt = random.below(5);
          request->parts.push_back({prompt, prompt * 100, 1 + random.below(300), random.below(2) * random.below(9), 1});
        }
        requests.push_back(request);
        order.add(request);
      }
      const bool waits = !order.empty();
      const std::vector<SlicePart> slice = order.take();
      CHECK(slice.empty() != waits);
      std::size_t parts = 0;
      for (const SlicePart& part : slice) {
        CHECK(part.begin == taken[part.request.get()]);
        CHECK(part.begin < part.end);
        taken[part.request.get()] = part.end;
        parts += part.end - part.begin;
      }
      CHECK(parts <= limits.responses);
    }
    CHECK(order.waiting().tokens == 0);
    CHECK(order.waiting().responses == 0);
    for (const auto& request : requests) {
      CHECK(taken[request.get()] == request->parts.size());
    }
  }
}

TEST_CASE("what sequences begin with alike, and passes that draw for many, cost once a slice") {
  TurnOrder order({1000, 256, 0});
  std::vector<PartCost> parts;
  for (std::uint64_t i = 0; i < 10; ++i) {  // 10 blocks, of which 8 are shared
    PartCost& part = parts.emplace_back(PartCost{.tokens = 10 * kBlockTokens});
    for (std::uint64_t block = 1; block <= 10; ++block) {
      part.blocks.push_back(block <= 8 ? block : 100 * i + block);
    }
  }
  const auto sequences = request_of(parts);
  order.add(sequences);
  CHECK(parts_of(order.take(), sequences) == 3);  // 640, and 128 each
  CHECK(order.waiting().tokens == 7 * 640);
  std::vector<PartCost> drawn(10, PartCost{.drawn = 10, .drawn_with = 1});
  drawn[2].drawn_with = 2;
  TurnOrder other({1000, 256, 0});
  const auto completions = request_of(drawn);
  other.add(completions);
  CHECK(parts_of(other.take(), completions) == 2);  // 640 and 10; those of other passes are 640 more
  CHECK(parts_of(other.take(), completions) == 1);
  CHECK(parts_of(other.take(), completions) == 7);
}

TEST_CASE("what draws side by side is taken together, however small a slice, and paid for from later turns") {
  TurnOrder order({1000, 256, 0});
  const auto completions = request_of(std::vector<PartCost>(40, PartCost{.drawn = 46, .drawn_with = 1}));
  const auto texts = request_of(100, 100);
  order.add(completions);
  order.add(texts);
  CHECK(parts_of(order.take(), completions) == 16);  // 2,944 for the passes, and 46 for each other
  for (int slice = 0; slice < 2; ++slice) {
    const std::vector<SlicePart> others = order.take();
    CHECK(parts_of(others, completions) == 0);
    CHECK(parts_of(others, texts) == 10);
  }
  CHECK(slices_until_done(order, completions) < 10);
}

}  // namespace
}  // namespace endorm
