#include "judge/reply_parsers.h"

#include <string>

#include <doctest/doctest.h>

namespace endorm {
namespace {

TEST_CASE("a rating is the first integer, clamped to 1..10") {
  const std::pair<const char*, int> read[] = {
      {"7", 7},
      {" 10", 10},
      {"8/10", 8},
      {"Rating: 3.", 3},
      {"**9**", 9},
      {"7.9", 7},
      {"1-2", 1},
      {"GPT-4", 4},
      {"0", 1},
      {"-3", 1},
      {"score: -3, or 8", 1},
      {"11", 10},
      {"99999999999999999999999999", 10},
      {"007", 7},
      {"ten, I mean 4", 4},
  };
  for (const auto& [reply, rating] : read) {
    INFO(reply);
    CHECK(parse_rating(reply) == rating);
  }
  for (const char* reply : {"", "seven", "\n", "I think the", "-", "\xD9\xA7"}) {  // the last: an Arabic digit
    INFO(reply);
    CHECK(parse_rating(reply) == std::nullopt);
  }
}

TEST_CASE("a letter counts where it stands alone on a line") {
  for (const char* reply : {"A", " A\n", "A.", "**A**", "[[A]]", "'A'", "\"A\"", "(A)\r\n", "A\n\nIt is shorter.",
                            "The first is wrong: B is better.\nA", "A\nA"}) {
    INFO(reply);
    CHECK(parse_letter(reply) == PairVerdict::kBetter);
  }
  CHECK(parse_letter("B") == PairVerdict::kWorse);
  for (const char* reply : {"", "a", "b", "C", "AB", "A or B", "A\nB", "B\nA", "Answer A", "A is better", "A>B", "YES",
                            "Both", "A/B", "\xD0\x90"}) {  // the last: a Cyrillic A
    INFO(reply);
    CHECK(parse_letter(reply) == std::nullopt);
  }
}

TEST_CASE("reasoning in a reply is not searched for a verdict") {
  CHECK(parse_rating("<think>2 or 3?</think>\n8") == 8);
  CHECK(parse_rating("2 or 3? No.\n</think>\n\n8") == 8);  // the template began it
  CHECK(parse_letter("<think>\nA\n</think>\nB") == PairVerdict::kWorse);
  CHECK(parse_five("<think>[[A>B]]</think> or so </think>[[B>A]]") == PairVerdict::kWorse);
  for (const char* reply : {"<think>8", " \n<think>8 </think", "<think>8</think>"}) {
    INFO(reply);
    CHECK(parse_rating(reply) == std::nullopt);
  }
  CHECK(parse_rating("8, I <think>") == 8);
}

TEST_CASE("one of five verdicts counts where it has its brackets and no rival") {
  CHECK(parse_five("[[A>>B]]") == PairVerdict::kMuchBetter);
  CHECK(parse_five("[[A>B]]") == PairVerdict::kBetter);
  CHECK(parse_five("My verdict: [[A=B]].") == PairVerdict::kEqual);
  CHECK(parse_five("[[B>A]]") == PairVerdict::kWorse);
  CHECK(parse_five("[[B>>A]] because B>>A, so [[B>>A]]") == PairVerdict::kMuchWorse);
  for (const char* reply : {"", "A>>B", "[A>B]", "[[A]]", "[[A<B]]", "[[a>b]]", "[[A > B]]", "[[A>B]] or [[B>A]]",
                            "[[A>>B]] [[A>B]]", "[[A>>>B]]", "[[A>B"}) {
    INFO(reply);
    CHECK(parse_five(reply) == std::nullopt);
  }
}

}  // namespace
}  // namespace endorm
