#include "eval/shown.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "eval/judging.h"
#include "judge/judge.h"
#include "tests/eval/tabular_examples.h"

namespace endorm {
namespace {

std::vector<ShownPair> shown_by(const char* name, const std::vector<Example>& examples, std::size_t most) {
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge(name, {engine, cache});
  return shown_pairs(examples, judge_examples(examples, *judge.scorer, {}), *judge.scorer, most);
}

TEST_CASE("shown pairs are those lost by most and won by most, with their tokens") {
  const std::vector<Example> examples = test::random_examples(40, 6);
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("endorm", {engine, cache});
  std::vector<double> margins;
  for (const JudgedExample& row : judge_examples(examples, *judge.scorer, {})) {
    for (const JudgedComparison& comparison : row.comparisons) {
      if (*comparison.margin != 0.0) {
        margins.push_back(*comparison.margin);
      }
    }
  }
  std::sort(margins.begin(), margins.end());
  const std::vector<ShownPair> shown = shown_by("endorm", examples, 7);
  REQUIRE(shown.size() == 7);  // three lost, four won
  for (std::size_t i = 0; i < 7; ++i) {
    const ShownPair& pair = shown[i];
    CHECK(pair.margin == (i < 3 ? margins[i] : margins[margins.size() - 7 + i]));
    CHECK(pair.better.reward - pair.worse.reward == pair.margin);
    for (const ShownResponse* response : {&pair.better, &pair.worse}) {
      std::string text;
      for (const std::string& token : response->token_texts) {
        text += token;
      }
      CHECK(text == response->text);
      CHECK(response->log_prob.size() == response->token_texts.size());
    }
    CHECK(pair.messages.size() == 1);
  }
  CHECK(shown_by("endorm", examples, 10000).size() == margins.size());
  CHECK(shown_by("endorm", examples, 0).empty());
  CHECK(shown_by("length", examples, 7).empty());  // it reads no tokens
}

TEST_CASE("ties and pairs without a verdict are not shown") {
  const std::vector<Example> examples = {test::example_of("e", "[0]", {"[1]", "[1]", ""}, {{0, 1}, {0, 2}})};
  CHECK(shown_by("endorm", examples, 10).empty());
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("endorm", {engine, cache});
  CHECK_THROWS_AS(shown_pairs(examples, {}, *judge.scorer, 10), InternalError);
}

TEST_CASE("shown examples are evenly taken of those with responses; a judge that reads no tokens shows none") {
  std::vector<Example> examples = {test::example_of("1", "[0][1]", {"[1][2]", "[3]"}, {}),
                                   test::example_of("2", "[0]", {}, {}),
                                   test::example_of("3", "[2]", {"[0]", "", "[2][2]"}, {})};
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge endorm = make_judge("endorm", {engine, cache});
  const std::vector<ShownExample> shown = shown_examples(examples, *endorm.scorer, 5);
  REQUIRE(shown.size() == 2);
  CHECK(shown[1].id == "3");
  REQUIRE(shown[1].responses.size() == 2);  // the empty one has no tokens
  CHECK(shown[1].responses[1].place == 2);
  CHECK(shown[1].responses[1].token_texts.size() == shown[1].responses[1].log_prob.size());
  CHECK(shown_examples(examples, *endorm.scorer, 1).size() == 1);
  CHECK(shown_examples(examples, *endorm.scorer, 0).empty());
  const Judge length = make_judge("length", {engine, cache});
  CHECK(shown_examples(examples, *length.scorer, 5).empty());
}

}  // namespace
}  // namespace endorm
