// Figures by hand, and of judges whose figures are known without computing: perfect, inverted, tied, random, constant.
#include "eval/metrics.h"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "eval/benchmarks.h"
#include "tests/eval/judged_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using test::figure_named;
using test::pair_example;
using test::step_example;

MetricOptions without_intervals() {
  MetricOptions options;
  options.bootstrap.resamples = 0;
  return options;
}

void check_value(const Figure& figure, double expected) {
  INFO(figure.name, " of ", figure.group);
  REQUIRE(figure.value.has_value());
  CHECK(std::abs(*figure.value - expected) <= 1e-12);
}

TEST_CASE("rm-bench of a judge that is always right, always wrong, never sure") {
  for (const double sign : {1.0, -1.0, 0.0}) {
    INFO("sign ", sign);
    const MetricTable table =
        measure("rm-bench", test::rm_bench_examples(3, [&](bool wins) { return wins ? sign : 0.0; }));
    CHECK(table.figures.size() >= 20);
    for (const Figure& figure : table.figures) {
      check_value(figure, sign > 0.0 ? 1.0 : 0.0);
      CHECK(figure.failed == 0);
      CHECK(figure.ties == (sign == 0.0 ? figure.n : 0));
      REQUIRE(figure.interval.has_value());
      CHECK(figure.interval_by == "wilson");
      CHECK((sign > 0.0 ? figure.interval->high == 1.0 : figure.interval->low == 0.0));
      CHECK(figure.interval->high - figure.interval->low > 0.2);  // 15 prompts at most
    }
    CHECK(table.matrices.size() == 5);
    for (const Matrix& matrix : table.matrices) {
      CHECK(matrix.cells.size() == 9);
    }
    CHECK(table.figures.front().group == "mean of domains");
  }
}

TEST_CASE("rm-bench by hand: a judge of style alone is right where the chosen response has more") {
  std::vector<JudgedExample> judged = test::rm_bench_examples(2, [](bool) { return 0.0; });
  for (JudgedExample& example : judged) {
    for (std::size_t r = 0; r < 6; ++r) {
      example.responses[r].reward = static_cast<double>(r % 3);
    }
    test::fill_margins(example);
  }
  const MetricTable table = measure("rm-bench", judged, without_intervals());
  for (const char* group : {"mean of domains", "all", "chat", "safety"}) {
    check_value(figure_named(table, "easy", group), 1.0);
    check_value(figure_named(table, "normal", group), 0.0);
    check_value(figure_named(table, "hard", group), 0.0);
    check_value(figure_named(table, "accuracy", group), 1.0 / 3.0);
  }
  CHECK(figure_named(table, "normal", "all").ties == figure_named(table, "normal", "all").n);
  check_value(table.matrices.front().cells.at(3 * 2 + 0), 1.0);  // chosen with markdown, rejected concise
  check_value(table.matrices.front().cells.at(3 * 0 + 2), 0.0);
}

TEST_CASE("the two averages of rm-bench differ where domains differ in size, and safety is one domain") {
  std::vector<JudgedExample> judged = test::rm_bench_examples(2, [](bool wins) { return wins ? 1.0 : 0.0; });
  std::erase_if(judged, [](const JudgedExample& example) { return example.id == "chat/1"; });
  for (JudgedExample& example : judged) {
    if (example.subset != "chat") {
      continue;
    }
    for (JudgedComparison& comparison : example.comparisons) {
      comparison.margin = -1.0;
    }
  }
  // Wrong on the 1 prompt of chat, right on the 2 + 2 + 4 others.
  const MetricTable table = measure("rm-bench", judged, without_intervals());
  check_value(figure_named(table, "accuracy", "mean of domains"), 3.0 / 4.0);
  check_value(figure_named(table, "accuracy", "all"), 8.0 / 9.0);
  CHECK(figure_named(table, "accuracy", "safety").n == 4 * 9);
}

TEST_CASE("a missing domain leaves the official average absent, named in a note, and the pooled one to quote") {
  std::vector<JudgedExample> judged = test::rm_bench_examples(2, [](bool wins) { return wins ? 1.0 : 0.0; });
  std::erase_if(judged, [](const JudgedExample& example) { return example.subset == "math"; });
  const MetricTable table = measure("rm-bench", judged);
  CHECK_FALSE(figure_named(table, "accuracy", "mean of domains").value.has_value());
  CHECK_FALSE(figure_named(table, "accuracy", "mean of domains").interval.has_value());
  CHECK_FALSE(figure_named(table, "hard", "math").value.has_value());
  CHECK(figure_named(table, "hard", "math").n == 0);
  CHECK(table.figures.front().group == "all");
  check_value(table.figures.front(), 1.0);
  std::string notes;
  for (const std::string& note : table.notes) {
    notes += note;
  }
  CHECK(contains(notes, "No rows of: math"));
}

TEST_CASE("a random judge is right half of the time, within its interval") {
  constexpr std::uint64_t kSeed = 17;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const MetricTable table = measure("rm-bench", test::rm_bench_examples(150, [&](bool) { return random.uniform(); }));
  const Figure& front = table.figures.front();
  REQUIRE(front.interval.has_value());
  CHECK(front.interval->low < 0.5);
  CHECK(front.interval->high > 0.5);
  CHECK(front.interval->high - front.interval->low < 0.06);
}

TEST_CASE("a judge that always answers A scores 50 % on pairs as the reader shows them") {
  const TemporaryDirectory folder;
  std::string rows;
  for (int i = 0; i < 1000; ++i) {
    rows += R"({"prompt": "Q", "response_a": "x", "response_b": "y", "label": "A"})"
            "\n";
  }
  write_file(folder.file("rows.jsonl"), rows);
  std::vector<JudgedExample> judged;
  for (const Example& example : read_benchmark("rewardbench", folder.file("rows.jsonl")).examples) {
    judged.push_back(pair_example(example.request.id, "", 0.0, 0.0));
    judged.back().comparisons[0].margin = example.comparisons.at(0).better == 0 ? 1.0 : -1.0;
  }
  const Figure accuracy = measure("rewardbench", judged).figures.front();
  CHECK(accuracy.name == "accuracy");
  REQUIRE(accuracy.value.has_value());
  CHECK(std::abs(*accuracy.value - 0.5) <= 0.08);  // five standard deviations of Binomial(1000, 1/2)
}

TEST_CASE("pairs by hand: ties are not right, failures count beside") {
  const std::vector<JudgedExample> judged = {pair_example("a", "s", 2.0, 1.0), pair_example("b", "s", 1.0, 1.0),
                                             pair_example("c", "t", 0.0, 1.0), pair_example("d", "t", {}, 1.0)};
  const MetricTable table = measure("pairs", judged);
  check_value(table.figures.front(), 1.0 / 3.0);
  CHECK(table.figures.front().n == 3);
  CHECK(table.figures.front().ties == 1);
  CHECK(table.figures.front().failed == 1);
  check_value(figure_named(table, "accuracy", "s"), 0.5);
  check_value(figure_named(table, "accuracy", "t"), 0.0);
}

TEST_CASE("bestof by hand: tied tops count as the share of right ones, what has no reward is never chosen") {
  const auto example = [](const std::string& id, std::vector<double> rewards, std::vector<bool> correct) {
    JudgedExample made;
    made.id = id;
    made.group = id;
    for (const double reward : rewards) {
      made.responses.emplace_back();
      made.responses.back().reward = reward;
    }
    made.correct = std::move(correct);
    return made;
  };
  std::vector<JudgedExample> judged = {
      example("right", {1, 3, 2}, {false, true, false}),       example("wrong", {1, 3, 2}, {true, false, true}),
      example("tie", {3, 3, 2}, {true, false, false}),         example("both right", {3, 3, 2}, {true, true, false}),
      example("none right", {1, 2, 3}, {false, false, false}), example("part", {1, 5, 3}, {false, false, true}),
      example("failed", {1, 2, 3}, {true, false, false})};
  judged[5].responses[1].reward.reset();
  for (JudgedResponse& response : judged[6].responses) {
    response.reward.reset();
  }
  const MetricTable table = measure("bestof", judged);
  check_value(table.figures.front(), 3.5 / 6.0);
  CHECK(table.figures.front().name == "best@3");
  CHECK(table.figures.front().ties == 2);
  CHECK(table.figures.front().failed == 1);
  check_value(figure_named(table, "best@3 less avg@3", ""),
              3.5 / 6.0 - (1.0 / 3 + 2.0 / 3 + 1.0 / 3 + 2.0 / 3 + 1.0 / 3) / 6.0);
}

TEST_CASE("processbench by hand: fitted on gsm8k, reported on the others, the fit apart") {
  std::vector<JudgedExample> judged = {
      step_example("g0", "gsm8k", 1, {0.0, -2.0, -3.0}),  step_example("g1", "gsm8k", std::nullopt, {0.0, -1.0}),
      step_example("m0", "math", 0, {-5.0, 0.0}),         step_example("m1", "math", 1, {-5.0, -6.0}),
      step_example("m2", "math", std::nullopt, {0.0}),    step_example("o0", "omnimath", 0, {-5.0}),
      step_example("o1", "omnimath", std::nullopt, {0.0})};
  const MetricTable table = measure("processbench", judged, without_intervals());
  // Thresholds above -2 and up to -1 are right on both rows of gsm8k. Math: 1 of 2 and 1 of 1, F1 2/3; omnimath: 1.
  check_value(figure_named(table, "F1", "gsm8k (fitted on)", "mean"), 1.0);
  check_value(figure_named(table, "erroneous rows right", "math", "mean"), 0.5);
  check_value(figure_named(table, "F1", "math", "mean"), 2.0 / 3.0);
  CHECK(table.figures.front().variant == "chosen");
  CHECK(table.figures.front().group == "mean of splits");
  check_value(table.figures.front(), (2.0 / 3.0 + 1.0) / 2.0);
  CHECK(table.figures.front().n == 5);

  MetricOptions given = without_intervals();
  given.threshold = -4.0;
  const MetricTable alike = measure("processbench", judged, given);
  check_value(figure_named(alike, "F1", "gsm8k", "mean"), 0.0);  // nothing is below -4: the error is not found
  MetricOptions half = without_intervals();
  half.fit_split = "half";
  CHECK_NOTHROW(measure("processbench", judged, half));
  MetricOptions unknown;
  unknown.fit_split = "no such split";
  CHECK(contains(message_of<InvalidInput>([&] { measure("processbench", judged, unknown); }), "omnimath"));
}

TEST_CASE("the halves: each group in one, about half in each, by the seed") {
  int chosen = 0;
  int moved = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string group = "group " + std::to_string(i);
    CHECK(is_selection_half(group, 1) == is_selection_half(group, 1));
    chosen += is_selection_half(group, 1) ? 1 : 0;
    moved += is_selection_half(group, 1) != is_selection_half(group, 2) ? 1 : 0;
  }
  CHECK(std::abs(chosen - 1000) <= 112);  // five standard deviations
  CHECK(std::abs(moved - 1000) <= 112);
}

TEST_CASE("a judge without step scores fails every row, and nothing is fitted") {
  JudgedExample example = step_example("a", "gsm8k", 0, {});
  example.responses[0].step_scores.clear();
  const MetricTable table = measure("processbench", std::vector<JudgedExample>{example});
  for (const Figure& figure : table.figures) {
    CHECK_FALSE(figure.value.has_value());
  }
  CHECK_FALSE(table.notes.empty());
}

TEST_CASE("no examples: figures are absent and a note says so, for every benchmark") {
  for (const BenchmarkName& benchmark : benchmark_names()) {
    INFO(benchmark.name);
    const MetricTable table = measure(benchmark.name, {});
    CHECK(table.benchmark == benchmark.name);
    for (const Figure& figure : table.figures) {
      CHECK_FALSE(figure.value.has_value());
    }
    REQUIRE_FALSE(table.notes.empty());
    CHECK(contains(table.notes.back(), "no examples"));
  }
}

TEST_CASE("examples that contradict themselves are refused") {
  const auto refused = [](const char* benchmark, const JudgedExample& example) {
    CHECK_THROWS_AS(measure(benchmark, std::vector<JudgedExample>{example}), InvalidInput);
  };
  JudgedExample pair = pair_example("a", "s", 1.0, 0.0);
  pair.comparisons[0].comparison.worse = 2;
  refused("pairs", pair);
  pair = pair_example("a", "s", 1.0, 0.0);
  pair.correct = {true};
  refused("bestof", pair);
  pair = pair_example("a", "s", 1.0, 0.0);
  pair.comparisons[0].margin = std::nan("");
  refused("pairs", pair);
  refused("steps", step_example("a", "s", 2, {0.0, 1.0}));
  JudgedExample steps = step_example("a", "s", 0, {0.0, 1.0});
  steps.steps->wrong = std::vector<bool>{true};
  refused("prmbench", steps);
  steps = step_example("a", "s", 0, {0.0, 1.0});
  steps.responses[0].step_scores["sum"] = {1.0};
  refused("steps", steps);
  CHECK_THROWS_AS(measure("no such benchmark", {}), InvalidInput);
  MetricOptions level;
  level.bootstrap.level = 1.0;
  CHECK_THROWS_AS(measure("pairs", {}, level), InvalidInput);
}

TEST_CASE("the interval draws groups, not verdicts: repeating a row within its group leaves it as it is") {
  constexpr std::uint64_t kSeed = 23;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  std::vector<JudgedExample> once;
  std::vector<JudgedExample> thrice;
  for (int i = 0; i < 60; ++i) {
    const JudgedExample example = pair_example(std::to_string(i), "s", random.uniform(), 0.4);
    once.push_back(example);
    for (int copy = 0; copy < 3; ++copy) {
      thrice.push_back(example);
    }
  }
  const Figure single = measure("pairs", once).figures.front();
  const Figure repeated = measure("pairs", thrice).figures.front();
  CHECK(single.interval->low == doctest::Approx(repeated.interval->low).epsilon(1e-12));
  CHECK(single.interval->high == doctest::Approx(repeated.interval->high).epsilon(1e-12));
  CHECK(repeated.n == 3 * single.n);
}

void check_interval(const Figure& figure, double successes, double trials) {
  INFO(figure.name, " of ", figure.group);
  const Interval expected = wilson_interval(successes, trials);
  REQUIRE(figure.interval.has_value());
  CHECK(figure.interval_by == "wilson");
  CHECK(figure.interval->low == doctest::Approx(expected.low).epsilon(1e-12));
  CHECK(figure.interval->high == doctest::Approx(expected.high).epsilon(1e-12));
}

// `count` pairs of which the first `right` are right.
std::vector<JudgedExample> pairs(std::size_t count, std::size_t right, const std::string& subset = "s") {
  std::vector<JudgedExample> judged;
  for (std::size_t i = 0; i < count; ++i) {
    judged.push_back(pair_example(subset + std::to_string(i), subset, i < right ? 1.0 : -1.0, 0.0));
  }
  return judged;
}

TEST_CASE("below 20 groups an interval is Wilson's, from 20 on the bootstrap's") {
  check_interval(measure("pairs", pairs(1, 1)).figures.front(), 1, 1);
  check_interval(measure("pairs", pairs(19, 7)).figures.front(), 7, 19);
  const Figure enough = measure("pairs", pairs(20, 7)).figures.front();
  CHECK(enough.interval_by == "bootstrap");
  CHECK(enough.groups == 20);
  // Verdicts that are all alike tell a bootstrap nothing, however many they are.
  check_interval(measure("pairs", pairs(60, 0)).figures.front(), 0, 60);
}

TEST_CASE("a prompt is one trial, however many verdicts it has, and the one with the most weight says how many") {
  // RM-Bench: nine verdicts a prompt, all alike within it.
  std::size_t made = 0;
  std::vector<JudgedExample> judged =
      test::rm_bench_examples(3, [&](bool wins) { return wins == (made++ / 6 % 3 == 0) ? 1.0 : 0.0; });
  const MetricTable table = measure("rm-bench", judged);
  check_interval(figure_named(table, "accuracy", "all"), 5, 15);
  check_interval(figure_named(table, "hard", "all"), 5, 15);
  check_interval(figure_named(table, "accuracy", "safety"), 2, 6);
  // A quarter of the mean of domains is decided by three prompts of a domain: 4 * 3 trials.
  check_interval(figure_named(table, "accuracy", "mean of domains"), 4, 12);
  CHECK(table.figures.front().groups == 15);
  // One prompt has half of the verdicts: two trials.
  std::vector<JudgedExample> uneven = pairs(10, 10);
  for (int i = 0; i < 9; ++i) {
    uneven.push_back(uneven.front());
  }
  check_interval(measure("pairs", uneven).figures.front(), 1.9, 1.9);
}

TEST_CASE("prompts that stand alone in their subset are drawn by every resample, and make no bootstrap") {
  std::vector<JudgedExample> alone;
  for (int i = 0; i < 40; ++i) {
    alone.push_back(pair_example(std::to_string(i), std::to_string(i), i % 2, 0.5));
  }
  check_interval(measure("pairs", alone).figures.front(), 20, 40);
}

TEST_CASE("a figure that is no mean has no interval of few groups") {
  std::vector<JudgedExample> judged;
  for (int i = 0; i < 8; ++i) {
    judged.push_back(step_example(std::to_string(i), "s", i % 2 ? std::optional<std::size_t>(0) : std::nullopt,
                                  {i % 2 ? -1.0 : 1.0}));
  }
  MetricOptions options;
  options.threshold = 0.0;
  const MetricTable table = measure("steps", judged, options);
  CHECK_FALSE(figure_named(table, "F1", "all", "mean").interval);
  check_interval(figure_named(table, "correct rows right", "all", "mean"), 4, 4);
}

TEST_CASE("ties count as wrong, as half, or by the benchmark's own rule; the other value stands beside") {
  const std::vector<JudgedExample> judged = {pair_example("a", "s", 2.0, 1.0), pair_example("b", "s", 1.0, 1.0),
                                             pair_example("c", "s", 0.0, 1.0)};
  for (const auto& [benchmark, rule, value, other] :
       {std::tuple{"pairs", TieRule::kOwn, 1.0, 1.5}, std::tuple{"pairs", TieRule::kHalf, 1.5, 1.0},
        std::tuple{"rewardbench", TieRule::kOwn, 1.5, 1.0}, std::tuple{"rewardbench", TieRule::kWrong, 1.0, 1.5}}) {
    INFO(benchmark, " ", value);
    MetricOptions options;
    options.ties = rule;
    const MetricTable table = measure(benchmark, judged, options);
    check_value(table.figures.front(), value / 3.0);
    CHECK(table.figures.front().other_ties.value() == doctest::Approx(other / 3.0));
    CHECK(table.figures.front().ties == 1);
    CHECK(table.ties == (value == 1.5 ? TieRule::kHalf : TieRule::kWrong));
    check_interval(table.figures.front(), value, 3);
  }
  CHECK_FALSE(measure("pairs", pairs(3, 1)).figures.front().other_ties);
  CHECK_FALSE(measure("steps", std::vector<JudgedExample>{step_example("a", "s", 0, {0.0})}).ties);
}

}  // namespace
}  // namespace endorm
