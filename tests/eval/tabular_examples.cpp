#include "tests/eval/tabular_examples.h"

#include <algorithm>
#include <bit>

#include "core/random.h"
#include "engine/content_hash.h"
#include "tests/judge/judge_requests.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm::test {
namespace {

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

bool same_bits(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || same_bits(*a, *b));
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return same_bits(x, y); });
}

std::string random_text(RandomStream& random, std::size_t most) {
  Tokens tokens(1 + random.below(most));
  for (Token& token : tokens) {
    token = static_cast<Token>(random.below(kTokens));
  }
  return spelled(tokens);
}

}  // namespace

TabularEngine random_engine() {
  return TabularEngine(kTokens, [](std::span<const Token> path) { return random_row(1, path, kTokens, 2.0); });
}

Example example_of(const std::string& id, const std::string& prompt, const std::vector<std::string>& responses,
                   const std::vector<std::pair<std::size_t, std::size_t>>& comparisons) {
  Example example;
  example.request = request_of(id, {{"user", prompt}}, responses);
  example.group = id;
  for (const auto& [better, worse] : comparisons) {
    example.comparisons.push_back({better, worse, ""});
  }
  return example;
}

std::vector<Example> random_examples(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<Example> examples;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string prompt = random_text(random, 6);
    std::vector<std::string> responses(2 + random.below(3));
    std::vector<std::pair<std::size_t, std::size_t>> comparisons;
    for (std::size_t k = 0; k < responses.size(); ++k) {
      responses[k] = random_text(random, 12);
      if (k > 0) {
        comparisons.emplace_back(0, k);
      }
    }
    comparisons.emplace_back(responses.size() - 1, 0);
    Example& example = examples.emplace_back(example_of(std::to_string(i), prompt, responses, comparisons));
    example.subset = i % 3 == 0 ? "third" : "others";
    example.request.key = hex(sha256(std::to_string(seed) + " " + example.request.id)).substr(0, 16);
  }
  return examples;
}

void check_same(const JudgedExample& found, const JudgedExample& expected) {
  INFO("example ", expected.id);
  CHECK(found.id == expected.id);
  CHECK(found.key == expected.key);
  CHECK(found.subset == expected.subset);
  CHECK(found.group == expected.group);
  CHECK(found.subject == expected.subject);
  CHECK(found.level == expected.level);
  CHECK(found.correct == expected.correct);
  CHECK(found.vote == expected.vote);
  REQUIRE(found.responses.size() == expected.responses.size());
  for (std::size_t i = 0; i < found.responses.size(); ++i) {
    INFO("response ", i);
    const JudgedResponse& a = found.responses[i];
    const JudgedResponse& b = expected.responses[i];
    CHECK(same_bits(a.reward, b.reward));
    CHECK(a.characters == b.characters);
    CHECK(a.tokens == b.tokens);
    CHECK(a.replies == b.replies);
    CHECK(a.error == b.error);
    CHECK(a.unparsed == b.unparsed);
    REQUIRE(a.step_scores.size() == b.step_scores.size());
    for (const auto& scores : b.step_scores) {
      INFO("step scores ", scores.first);
      CHECK(same_bits(a.step_scores.at(scores.first), scores.second));
    }
  }
  REQUIRE(found.comparisons.size() == expected.comparisons.size());
  for (std::size_t i = 0; i < found.comparisons.size(); ++i) {
    INFO("comparison ", i);
    const JudgedComparison& a = found.comparisons[i];
    const JudgedComparison& b = expected.comparisons[i];
    CHECK(a.comparison.better == b.comparison.better);
    CHECK(a.comparison.worse == b.comparison.worse);
    CHECK(a.comparison.cell == b.comparison.cell);
    CHECK(same_bits(a.margin, b.margin));
    CHECK(a.replies == b.replies);
    CHECK(a.unparsed == b.unparsed);
    CHECK(a.inconsistent == b.inconsistent);
    CHECK(a.error == b.error);
  }
  REQUIRE(found.steps.has_value() == expected.steps.has_value());
  if (found.steps) {
    CHECK(found.steps->first_error == expected.steps->first_error);
    CHECK(found.steps->wrong == expected.steps->wrong);
  }
}

void check_same(const std::vector<JudgedExample>& found, const std::vector<JudgedExample>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    check_same(found[i], expected[i]);
  }
}

}  // namespace endorm::test
