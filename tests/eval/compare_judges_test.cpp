#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "eval/metrics.h"
#include "tests/eval/judged_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using test::pair_example;
using test::step_example;

std::vector<JudgedExample> judge(std::uint64_t seed, double skill, int count) {
  RandomStream random(seed);
  std::vector<JudgedExample> judged;
  for (int i = 0; i < count; ++i) {
    judged.push_back(pair_example(std::to_string(i), "s", skill + random.normal(), 0.0));
  }
  return judged;
}

TEST_CASE("a better judge is told from a worse one, and not from itself") {
  const std::vector<JudgedExample> good = judge(1, 1.0, 300);
  const std::vector<JudgedExample> poor = judge(2, 0.0, 300);
  const JudgeComparison comparison = compare_judges("pairs", good, poor);
  const ComparedFigure& front = comparison.figures.at(0);
  REQUIRE(front.difference.has_value());
  CHECK(*front.difference == doctest::Approx(*front.first.value - *front.second.value));
  CHECK(front.interval->low > 0.0);
  CHECK(front.p_value.value() < 0.01);
  CHECK(comparison.mcnemar_p_value < 0.01);
  CHECK(comparison.right_first_only > comparison.right_second_only);
  CHECK_FALSE(comparison.clustered);
  CHECK(comparison.examples == 300);

  const JudgeComparison same = compare_judges("pairs", good, good);
  CHECK(same.figures.at(0).difference == 0.0);
  CHECK(same.figures.at(0).p_value == 1.0);
  CHECK(same.mcnemar_p_value == 1.0);
}

TEST_CASE("McNemar by hand, and the difference on the verdicts of both alone") {
  std::vector<JudgedExample> first = {pair_example("a", "s", 1.0, 0.0), pair_example("b", "s", 1.0, 0.0),
                                      pair_example("c", "s", 1.0, 0.0), pair_example("d", "s", {}, 0.0),
                                      pair_example("only first", "s", 0.0, 1.0)};
  std::vector<JudgedExample> second = {pair_example("d", "s", 0.0, 1.0), pair_example("c", "s", 0.0, 1.0),
                                       pair_example("b", "s", 0.0, 0.0), pair_example("a", "s", 1.0, 0.0),
                                       pair_example("x", "s", 0.0, 1.0), pair_example("y", "s", 0.0, 1.0)};
  const JudgeComparison comparison = compare_judges("pairs", first, second);
  CHECK(comparison.examples == 4);
  CHECK(comparison.first_only == 1);
  CHECK(comparison.second_only == 2);
  CHECK(comparison.right_first_only == 2);
  CHECK(comparison.right_second_only == 0);
  CHECK(comparison.mcnemar_p_value == doctest::Approx(0.5));
  CHECK(comparison.figures.at(0).p_value == doctest::Approx(0.5));
  CHECK(comparison.figures.at(0).p_value_by == "exact");
  CHECK_FALSE(comparison.figures.at(0).interval);
  const ComparedFigure& front = comparison.figures.at(0);
  CHECK(front.first.n == 3);
  CHECK(front.second.n == 3);
  CHECK(*front.first.value == 1.0);
  CHECK(*front.second.value == doctest::Approx(1.0 / 3.0));
}

TEST_CASE("verdicts of one prompt are clustered") {
  const auto right = [](bool wins) { return wins ? 1.0 : 0.0; };
  const auto wrong = [](bool wins) { return wins ? 0.0 : 1.0; };
  const JudgeComparison comparison =
      compare_judges("rm-bench", test::rm_bench_examples(4, right), test::rm_bench_examples(4, wrong));
  CHECK(comparison.clustered);
  CHECK(comparison.right_first_only == 4 * 5 * 9);
  for (const ComparedFigure& figure : comparison.figures) {
    CHECK(figure.difference == 1.0);
  }
  // A prompt is exchanged as a whole: of three prompts a domain all for the first, 2 / 2^3, whatever McNemar says.
  const JudgeComparison few =
      compare_judges("rm-bench", test::rm_bench_examples(3, right), test::rm_bench_examples(3, wrong));
  for (const ComparedFigure& figure : few.figures) {
    INFO(figure.first.name, " of ", figure.first.group);
    CHECK(figure.p_value_by == "exact");
    CHECK(figure.p_value == doctest::Approx(2.0 / std::pow(2.0, figure.first.groups)));
  }
  CHECK(few.mcnemar_p_value < 1e-30);
}

TEST_CASE("a p-value of few groups is McNemar's, of more the bootstrap's; the same with every kind of tie") {
  for (const std::size_t count : {1, 7, 19, 20}) {
    INFO(count, " pairs");
    const std::vector<JudgedExample> first = judge(5, 1.5, static_cast<int>(count));
    const std::vector<JudgedExample> second = judge(6, -1.5, static_cast<int>(count));
    const JudgeComparison comparison = compare_judges("pairs", first, second);
    const ComparedFigure& front = comparison.figures.at(0);
    CHECK(front.p_value_by == (count < kFewGroups ? "exact" : "bootstrap"));
    CHECK(front.interval.has_value() == (count >= kFewGroups));
    if (count < kFewGroups) {
      CHECK(front.p_value.value() == doctest::Approx(comparison.mcnemar_p_value).epsilon(1e-9));
    }
  }
  // A tie that is half right is half a difference: right against tied four times, 2 / 2^4.
  std::vector<JudgedExample> right;
  std::vector<JudgedExample> tied;
  for (int i = 0; i < 4; ++i) {
    right.push_back(pair_example(std::to_string(i), "s", 1.0, 0.0));
    tied.push_back(pair_example(std::to_string(i), "s", 1.0, 1.0));
  }
  MetricOptions half;
  half.ties = TieRule::kHalf;
  const JudgeComparison comparison = compare_judges("pairs", right, tied, half);
  CHECK(comparison.figures.at(0).difference == 0.5);
  CHECK(comparison.figures.at(0).p_value == doctest::Approx(0.125));
}

TEST_CASE("step judges are compared at the variant that each chose, though their variants differ") {
  std::vector<JudgedExample> first;
  std::vector<JudgedExample> second;
  for (const char* split : {"gsm8k", "math"}) {
    for (int i = 0; i < 10; ++i) {
      const std::string id = std::string(split) + std::to_string(i);
      const std::optional<std::size_t> error = i % 2 == 0 ? std::optional<std::size_t>(1) : std::nullopt;
      first.push_back(step_example(id, split, error, {0.0, error ? -1.0 : 0.0}));
      second.push_back(step_example(id, split, error, {}));
      second.back().responses[0].step_scores = {{"sum", {0.0, i < 5 && error ? -1.0 : 0.0}}};
    }
  }
  const JudgeComparison comparison = compare_judges("processbench", first, second);
  const ComparedFigure& front = comparison.figures.at(0);
  CHECK(front.first.variant == "chosen");
  CHECK(front.first.value == 1.0);
  CHECK(front.second.value == doctest::Approx(2.0 * 0.6 * 1.0 / 1.6));
}

TEST_CASE("lists of other data are refused") {
  std::vector<JudgedExample> first = {pair_example("a", "s", 1.0, 0.0)};
  std::vector<JudgedExample> second = first;
  second[0].key = "another";
  CHECK(contains(message_of<InvalidInput>([&] { compare_judges("pairs", first, second); }), "not the same data"));
  CHECK_THROWS_AS(compare_judges("nothing", first, first), InvalidInput);
  const JudgeComparison apart =
      compare_judges("pairs", first, std::vector<JudgedExample>{pair_example("b", "s", 1, 0)});
  CHECK(apart.examples == 0);
  CHECK_FALSE(apart.figures.at(0).difference.has_value());
  CHECK(apart.mcnemar_p_value == 1.0);
}

}  // namespace
}  // namespace endorm
