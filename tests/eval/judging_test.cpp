#include "eval/judging.h"

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "judge/judge.h"
#include "tests/eval/tabular_examples.h"
#include "tests/judge/byte_engine.h"
#include "tests/judge/judge_requests.h"

namespace endorm {
namespace {

using test::example_of;

// One verdict an example, by a judge on the tabular engine of random logits.
std::vector<JudgedExample> judged_by(const char* name, const std::vector<Example>& examples) {
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge(name, {engine, cache});
  return judge_examples(examples, *judge.scorer, {judge.compares_pairs});
}

TEST_CASE("rewards become margins; labels, sizes and texts stay with their responses") {
  Example example =
      example_of("e", "[0]", {"1234", "12", "\xC3\xA4\xC3\xB6\xE2\x82\xAC", "1234"}, {{0, 1}, {1, 2}, {0, 3}, {1, 0}});
  example.subset = "s";
  example.comparisons[2].cell = "0,2";
  const JudgedExample judged = judged_by("length", {example}).at(0);
  CHECK(judged.id == "e");
  CHECK(judged.key == example.request.key);
  CHECK(judged.subset == "s");
  CHECK(judged.group == "e");
  REQUIRE(judged.responses.size() == 4);
  const double lengths[] = {4.0, 2.0, 3.0, 4.0};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(judged.responses[i].reward == lengths[i]);
    CHECK(judged.responses[i].characters == static_cast<std::size_t>(lengths[i]));  // code points, not bytes
    CHECK_FALSE(judged.responses[i].tokens.has_value());                            // this judge reads none
  }
  REQUIRE(judged.comparisons.size() == 4);
  CHECK(judged.comparisons[0].margin == 2.0);
  CHECK(judged.comparisons[1].margin == -1.0);
  CHECK(judged.comparisons[2].margin == 0.0);
  CHECK(judged.comparisons[2].comparison.cell == "0,2");
  CHECK(judged.comparisons[3].margin == -2.0);
}

TEST_CASE("a response without a reward fails alone, with its comparisons, and says why") {
  const std::vector<JudgedExample> judged =
      judged_by("endorm", {example_of("a", "[0]", {"[1]", "", "[2][3]"}, {{0, 1}, {1, 2}, {0, 2}}),
                           example_of("b", "[0]", {"[1]", "[2]"}, {{0, 1}})});
  const JudgedExample& failed = judged.at(0);
  CHECK_FALSE(failed.responses[1].reward.has_value());
  CHECK(contains(failed.responses[1].error, "empty"));
  CHECK(failed.responses[0].reward.has_value());
  CHECK(failed.responses[0].tokens == 1);
  CHECK(failed.responses[2].tokens == 2);
  for (const std::size_t i : {0, 1}) {
    CHECK_FALSE(failed.comparisons[i].margin.has_value());
    CHECK(failed.comparisons[i].error == failed.responses[1].error);
  }
  CHECK(failed.comparisons[2].margin == *failed.responses[0].reward - *failed.responses[2].reward);
  CHECK(judged.at(1).comparisons.at(0).margin.has_value());
}

TEST_CASE("best-of-N sets keep their truths, and every response its reward") {
  Example example = example_of("e", "[0]", {"1", "333", "22"}, {});
  example.correct = {false, true, false};
  const JudgedExample judged = judged_by("length", {example}).at(0);
  CHECK(judged.correct == std::vector<bool>{false, true, false});
  CHECK(judged.comparisons.empty());
  CHECK(judged.responses[1].reward == 3.0);
}

// A pairwise judge whose model calls the longer answer better, and the first one of two that are equally long.
ByteEngine longer_wins() {
  return ByteEngine([](const std::string& question, const GenerationRequest&, const SamplingOptions&) -> std::string {
    const auto shown = [&](const std::string& which) {
      const std::size_t from = question.find("Answer " + which + ":\n") + 10;
      return question.substr(from, question.find('\n', from) - from);
    };
    if (shown("A") == "mute" || shown("B") == "mute") {
      return "Neither of them.";
    }
    if (shown("A") == "broken" || shown("B") == "broken") {
      throw EngineError("the model broke");
    }
    return shown("A").size() >= shown("B").size() ? "A" : "B";
  });
}

TEST_CASE("a judge that compares pairs is asked about each pair once, and both directions are its one verdict") {
  ByteEngine engine = longer_wins();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("pairwise", {engine, cache});
  REQUIRE(judge.compares_pairs);
  test::Recorder recorder(*judge.scorer);
  // The fifth response is in no comparison; 1 and 3 are equally long.
  const std::vector<Example> examples = {
      example_of("e", "q", {"xxxx", "xx", "x", "yy", "never asked"}, {{0, 1}, {1, 0}, {2, 0}, {1, 3}, {0, 1}}),
      example_of("f", "q", {"x", "xx"}, {{0, 1}})};
  const std::vector<JudgedExample> judged = judge_examples(examples, recorder, {.compares_pairs = true});
  REQUIRE(recorder.calls.size() == 1);
  REQUIRE(recorder.calls[0].size() == 4);  // 0-1, 0-2, 1-3 of the first, 0-1 of the second
  std::set<std::string> keys;
  for (const Request& request : recorder.calls[0]) {
    CHECK(request.responses.size() == 2);
    keys.insert(request.key);
  }
  CHECK(keys.size() == 4);  // what a judge draws from the key differs from pair to pair
  CHECK(recorder.calls[0][1].responses[1].text.text == "x");

  const std::vector<JudgedComparison>& pairs = judged.at(0).comparisons;
  REQUIRE(pairs.size() == 5);
  CHECK(pairs[0].margin == 1.0);
  CHECK(pairs[1].margin == -1.0);
  CHECK(pairs[2].margin == -1.0);
  CHECK(pairs[3].margin == 0.0);  // the first is called better in both orders
  CHECK(pairs[4].margin == 1.0);
  CHECK(pairs[3].inconsistent);
  CHECK_FALSE(pairs[0].inconsistent);
  // Replies are told from the better one's side: of the order in which it was A first.
  CHECK(pairs[0].replies == std::vector<std::string>{"A", "B"});
  CHECK(pairs[1].replies == std::vector<std::string>{"B", "A"});
  // A response's reward is its share of wins over those that it was compared with.
  CHECK(judged[0].responses[0].reward == 1.0);
  CHECK(judged[0].responses[1].reward == 0.25);
  CHECK(judged[0].responses[2].reward == 0.0);
  CHECK(judged[0].responses[3].reward == 0.5);
  CHECK_FALSE(judged[0].responses[4].reward.has_value());
  CHECK(contains(judged[0].responses[4].error, "no pair"));
  CHECK(judged.at(1).comparisons.at(0).margin == -1.0);
}

TEST_CASE("a pair that cannot be judged fails alone; a reply without a verdict is a tie that is counted") {
  ByteEngine engine = longer_wins();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("pairwise", {engine, cache});
  const std::vector<JudgedExample> judged =
      judge_examples(std::vector{example_of("e", "q", {"xxxx", "broken", "x", "mute"}, {{0, 1}, {0, 2}, {3, 0}})},
                     *judge.scorer, {.compares_pairs = true});
  const std::vector<JudgedComparison>& pairs = judged.at(0).comparisons;
  CHECK_FALSE(pairs[0].margin.has_value());
  CHECK(contains(pairs[0].error, "the model broke"));
  CHECK(pairs[1].margin == 1.0);
  CHECK(pairs[2].margin == 0.0);
  CHECK(pairs[2].unparsed == 2);  // one in each order
  CHECK(pairs[2].replies == std::vector<std::string>{"Neither of them.", "Neither of them."});
  CHECK_FALSE(judged[0].responses[1].reward.has_value());
  CHECK(contains(judged[0].responses[1].error, "the model broke"));
  CHECK(judged[0].responses[0].reward == 0.75);
  CHECK(judged[0].responses[0].error.empty());
}

TEST_CASE("a judge that compares pairs ranks a best-of-N set whole") {
  ByteEngine engine = longer_wins();
  StatsCache cache(std::nullopt);
  const Judge judge = make_judge("pairwise", {engine, cache});
  Example example = example_of("e", "q", {"x", "xxx", "xx"}, {});
  example.correct = {false, true, false};
  const JudgedExample judged = judge_examples(std::vector{example}, *judge.scorer, {.compares_pairs = true}).at(0);
  CHECK(judged.responses[0].reward == 0.0);
  CHECK(judged.responses[1].reward == 1.0);
  CHECK(judged.responses[2].reward == 0.5);
  CHECK(judged.responses[1].replies.size() == 4);
}

// p(token 0) = 1/4, p(token 1) = 3/4, whatever stands before: scores of steps can be told by hand.
const double kRare = std::log(0.25);
const double kUsual = std::log(0.75);
constexpr double kTolerance = 1e-12;  // sums of at most seven logarithms in double

TabularEngine quarter_engine() {
  return TabularEngine(2, [](std::span<const Token>) { return std::vector<double>{kRare, kUsual}; });
}

Example stepwise(std::vector<std::size_t> begins) {
  Example example = example_of("e", "[0]", {"[0][1][1][1][1][0][0]"}, {});
  example.request.responses[0].step_begins = std::move(begins);
  example.steps = StepLabel{.first_error = 1, .wrong = std::nullopt};
  return example;
}

JudgedExample judge_steps(const char* name, const Example& example, double alpha, std::size_t chunk) {
  TabularEngine engine = quarter_engine();
  StatsCache cache(std::nullopt);
  JudgeParts parts{engine, cache};
  parts.score.alpha = alpha;
  const Judge judge = make_judge(name, parts);
  return judge_examples(std::vector{example}, *judge.scorer, {false, alpha, chunk}).at(0);
}

void check_scores(const JudgedExample& judged, const std::string& variant, const std::vector<double>& expected) {
  INFO(variant);
  REQUIRE(judged.responses.at(0).step_scores.contains(variant));
  const std::vector<double>& found = judged.responses[0].step_scores.at(variant);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("step ", i, ": ", found[i], " for ", expected[i]);
    CHECK(std::abs(found[i] - expected[i]) <= kTolerance);
  }
}

TEST_CASE("every variant of step scores, by hand") {
  // Steps [0][1], [1][1][1][0], [0]; windows of two tokens within a step.
  const JudgedExample judged = judge_steps("endorm", stepwise({0, 6, 18}), 1.0, 2);
  const double half = (kRare + kUsual) / 2.0;
  check_scores(judged, "sum", {kRare + kUsual, 3.0 * kUsual + kRare, kRare});
  check_scores(judged, "mean", {half, (3.0 * kUsual + kRare) / 4.0, kRare});
  check_scores(judged, "drop", {0.0, (3.0 * kUsual + kRare) / 4.0 - half, kRare - (3.0 * kUsual + kRare) / 4.0});
  check_scores(judged, "min", {kRare, kRare, kRare});
  check_scores(judged, "chunk", {half, half, kRare});
  CHECK(judged.responses[0].step_scores.size() == 5);
  CHECK(judged.steps.value().first_error == 1);
  // The last window is shorter: three tokens, then one.
  check_scores(judge_steps("endorm", stepwise({0, 6, 18}), 1.0, 3), "chunk", {half, kRare, kRare});
  // One step, one window.
  check_scores(judge_steps("endorm", stepwise({0}), 1.0, 100), "chunk", {(3.0 * kRare + 4.0 * kUsual) / 7.0});
}

TEST_CASE("step scores are of alpha log pi") {
  constexpr double kAlpha = 0.5;  // p = 1/16 and 9/16 over their sum
  const double rare = kAlpha * std::log(0.1);
  const double usual = kAlpha * std::log(0.9);
  const JudgedExample judged = judge_steps("endorm", stepwise({0, 6, 18}), kAlpha, 2);
  check_scores(judged, "sum", {rare + usual, 3.0 * usual + rare, rare});
  check_scores(judged, "min", {rare, rare, rare});
  check_scores(judged, "chunk", {(rare + usual) / 2.0, (rare + usual) / 2.0, rare});
}

TEST_CASE("a judge that reads something else of its tokens has no lowest log-probability") {
  const double entropy = -(0.25 * kRare + 0.75 * kUsual);
  const JudgedExample judged = judge_steps("minus-entropy", stepwise({0, 6, 18}), 1.0, 2);
  check_scores(judged, "sum", {-2.0 * entropy, -4.0 * entropy, -entropy});
  check_scores(judged, "drop", {0.0, 0.0, 0.0});
  CHECK_FALSE(judged.responses[0].step_scores.contains("min"));
  CHECK_FALSE(judged.responses[0].step_scores.contains("chunk"));
  CHECK(judge_steps("length", stepwise({0, 6, 18}), 1.0, 2).responses[0].step_scores.empty());
  // Without labels of steps, no scores of them are kept.
  Example plain = stepwise({0, 6, 18});
  plain.steps.reset();
  CHECK(judge_steps("endorm", plain, 1.0, 2).responses[0].step_scores.empty());
}

// Answers less than it was asked.
class Silent final : public Scorer {
 public:
  explicit Silent(bool some) : some_(some) {}
  std::vector<Scored> score(std::span<const Request> requests) override {
    return some_ ? std::vector<Scored>(requests.size()) : std::vector<Scored>{};
  }

 private:
  bool some_;
};

TEST_CASE("a judge that answers less than it was asked is a defect, not a verdict") {
  const std::vector<Example> examples = {example_of("e", "[0]", {"[1]", "[2]"}, {{0, 1}})};
  for (const bool some : {false, true}) {
    Silent silent(some);
    CHECK_THROWS_AS(judge_examples(examples, silent, {}), InternalError);
    CHECK_THROWS_AS(judge_examples(examples, silent, {.compares_pairs = true}), InternalError);
  }
}

}  // namespace
}  // namespace endorm
