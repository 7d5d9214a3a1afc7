#include "score/step_ranges.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "score/record.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Offsets = std::vector<std::size_t>;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

Pairs ranges_of(const Offsets& step_begins, const Offsets& byte_offsets) {
  Pairs pairs;
  for (const TokenRange& range : step_ranges(step_begins, byte_offsets, byte_offsets.size())) {
    pairs.emplace_back(range.begin, range.end);
  }
  return pairs;
}

TEST_CASE("a text is split at the separator, which belongs to the step before it") {
  struct Case {
    std::string text;
    std::string separator;
    Offsets begins;
  };
  const std::vector<Case> cases = {
      {"", "\n\n", {}},
      {"one", "\n\n", {0}},
      {"one\n\ntwo", "\n\n", {0, 5}},
      {"one\n\ntwo\n\n", "\n\n", {0, 5}},     // nothing follows the last separator
      {"one\n\n\n\ntwo", "\n\n", {0, 7}},     // an empty step goes to the one before
      {"one\n\n \t\n\ntwo", "\n\n", {0, 9}},  // so does a blank one
      {"\n\none\n\ntwo", "\n\n", {0, 7}},     // and at the start, to the one after
      {"one\n\n\ntwo", "\n\n", {0, 5}},       // a separator that overlaps itself is taken from the left
      {"one\ntwo", "\n\n", {0}},              // a part of a separator is none
      {" \n\n ", "\n\n", {}},                 // blank
      {"a;b;c", ";", {0, 2, 4}},
      {"\xC3\xA9\n\n\xE2\x82\xAC", "\n\n", {0, 4}},  // offsets are bytes, not characters
  };
  for (const Case& c : cases) {
    INFO("\"", c.text, "\" at \"", c.separator, "\"");
    CHECK(split_steps(c.text, c.separator) == c.begins);
  }
  CHECK(contains(message_of<InvalidInput>([] { split_steps("text", ""); }), "separator is empty"));
}

TEST_CASE("a token belongs to the step in which its first byte lies") {
  // Tokens begin at bytes 0 3 5 8 10.
  const Offsets tokens = {0, 3, 5, 8, 10};
  CHECK(ranges_of({0}, tokens) == Pairs{{0, 5}});
  CHECK(ranges_of({0, 5}, tokens) == Pairs{{0, 2}, {2, 5}});
  CHECK(ranges_of({0, 4}, tokens) == Pairs{{0, 2}, {2, 5}});  // the token at 3 crosses the border: it stays before it
  CHECK(ranges_of({0, 3, 5, 8, 10}, tokens) == Pairs{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}});
  // The end-of-turn token stands behind the text and belongs to the last step.
  CHECK(ranges_of({0, 2}, {0, 2, 4}) == Pairs{{0, 1}, {1, 3}});
  CHECK(step_ranges(Offsets{}, tokens, tokens.size()).empty());
  CHECK(step_ranges(Offsets{0}, Offsets{}, 0).empty());
}

TEST_CASE("a step without a token of its own, and unknown offsets, are refused") {
  const Offsets tokens = {0, 6};
  const auto refusal = [&](const Offsets& begins) {
    return message_of<InvalidInput>([&] { step_ranges(begins, tokens, tokens.size()); });
  };
  CHECK(contains(refusal({0, 2, 6}), "step 2 of 3"));  // bytes 2 to 5 lie inside the first token
  CHECK(contains(refusal({0, 8}), "step 2 of 2"));
  CHECK(contains(message_of<InvalidInput>([] { step_ranges(Offsets{0, 2}, Offsets{}, 3); }), "rewrites text"));
}

TEST_CASE("steps given as a list begin where the joined text has them, and cover all tokens") {
  std::vector<std::string> unknown;
  const Request request = parse_request(R"({"prompt":"p","steps":["ab","c","def"]})", 1, "\n\n", unknown);
  REQUIRE(request.responses.size() == 1);
  const RequestResponse& response = request.responses[0];
  CHECK(response.text.text == "ab\n\nc\n\ndef");
  CHECK(response.step_begins == Offsets{0, 4, 7});
  // The given steps are what splitting their text finds.
  CHECK(split_steps(response.text.text, "\n\n") == response.step_begins);
  CHECK(
      contains(message_of<InvalidInput>([&] { parse_request(R"({"prompt":"p","steps":["a",""]})", 1, "\n", unknown); }),
               "steps[1]"));
}

TEST_CASE("ranges of random steps over random tokens are what a token by token search finds") {
  const std::uint64_t seed = 20250623;
  INFO("seed ", seed);
  RandomStream random(seed);
  std::size_t placed = 0;
  std::size_t refused = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    CAPTURE(trial);
    const std::size_t bytes = 1 + random.below(30);
    Offsets tokens = {0};
    Offsets steps = {0};
    for (std::size_t byte = 1; byte < bytes; ++byte) {
      if (random.below(2) == 0) {
        tokens.push_back(byte);
      }
      if (random.below(6) == 0) {
        steps.push_back(byte);
      }
    }
    Offsets counts(steps.size(), 0);  // tokens of each step
    for (const std::size_t token : tokens) {
      std::size_t step = 0;
      while (step + 1 < steps.size() && steps[step + 1] <= token) {
        ++step;
      }
      ++counts[step];
    }
    Pairs expected;
    bool every_step_has_one = true;
    std::size_t begin = 0;
    for (const std::size_t count : counts) {
      every_step_has_one = every_step_has_one && count > 0;
      expected.emplace_back(begin, begin + count);
      begin += count;
    }
    if (every_step_has_one) {
      ++placed;
      CHECK(ranges_of(steps, tokens) == expected);
    } else {
      ++refused;
      CHECK_THROWS_AS(ranges_of(steps, tokens), InvalidInput);
    }
  }
  CHECK(placed > 100);
  CHECK(refused > 100);
}

}  // namespace
}  // namespace endorm
