#include "eval/sweep.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "eval/judging.h"
#include "score/endogenous_scorer.h"
#include "tests/eval/tabular_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

const SweepSetting kBase{Aggregation::kDiscounted, 0.93, 1.0};

void check_setting(const SweepSetting& found, Aggregation aggregation, double gamma, double alpha) {
  CHECK(found.aggregation == aggregation);
  CHECK(found.gamma == doctest::Approx(gamma).epsilon(1e-12));
  CHECK(found.alpha == alpha);
}

TEST_CASE("every combination, the base first; what is not named stays as in the base") {
  CHECK(parse_sweep("", kBase).size() == 1);
  const std::vector<SweepSetting> settings = parse_sweep("gamma=0.5,0.9,aggregation=discounted,mean,alpha=1,2", kBase);
  REQUIRE(settings.size() == 7);  // mean does not vary with gamma
  check_setting(settings[0], Aggregation::kDiscounted, 0.93, 1.0);
  check_setting(settings[1], Aggregation::kDiscounted, 0.5, 1.0);
  check_setting(settings[2], Aggregation::kDiscounted, 0.9, 1.0);
  check_setting(settings[3], Aggregation::kMean, 0.5, 1.0);
  check_setting(settings[4], Aggregation::kDiscounted, 0.5, 2.0);
  check_setting(settings[6], Aggregation::kMean, 0.5, 2.0);
  // The base is not repeated.
  CHECK(parse_sweep("gamma=0.93", kBase).size() == 1);
  CHECK(parse_sweep("aggregation=discounted,discounted,sum", kBase).size() == 2);
  const std::vector<SweepSetting> of_mean = parse_sweep("gamma=0.1,0.2", {Aggregation::kMean, 0.93, 1.0});
  CHECK(of_mean.size() == 1);
  for (const char* name : {"sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"}) {
    CHECK(parse_sweep(std::string("aggregation=") + name, kBase).at(1).aggregation == aggregation_from_name(name));
  }
}

TEST_CASE("ranges, with and without a step, hold both ends and nothing beyond") {
  const std::vector<SweepSetting> usual = parse_sweep("gamma=0.8..1.0", kBase);
  REQUIRE(usual.size() == 6);
  for (std::size_t i = 1; i < usual.size(); ++i) {
    CHECK(usual[i].gamma == doctest::Approx(0.75 + 0.05 * static_cast<double>(i)).epsilon(1e-12));
  }
  const std::vector<SweepSetting> stepped = parse_sweep("alpha=0.5..2:0.5", kBase);
  REQUIRE(stepped.size() == 4);  // 1 is the base
  CHECK(stepped[1].alpha == 0.5);
  CHECK(stepped[3].alpha == 2.0);
  CHECK(parse_sweep("gamma=0.5..0.5", kBase).size() == 2);
  CHECK(parse_sweep("gamma=0..1:0.3", kBase).size() == 5);  // 0, 0.3, 0.6, 0.9
  for (int steps = 1; steps <= 40; ++steps) {               // gamma may not be above 1, not by a rounding either
    const std::string range = "gamma=0.1..1:" + std::to_string(0.9 / steps);
    INFO(range);
    const std::vector<SweepSetting> settings = parse_sweep(range, kBase);
    CHECK(std::all_of(settings.begin(), settings.end(), [](const SweepSetting& s) { return s.gamma <= 1.0; }));
  }
  CHECK(parse_sweep("gamma=0.8..0.9,0.1,alpha=3", kBase).size() == 5);
}

TEST_CASE("what cannot be read is named") {
  const auto refusal = [](const char* text) { return message_of<InvalidInput>([&] { parse_sweep(text, kBase); }); };
  CHECK(contains(refusal("temperature=1"), "temperature"));
  CHECK(contains(refusal("0.5"), "cannot be swept"));
  CHECK(contains(refusal(",gamma=0.5"), "cannot be swept"));
  CHECK(contains(refusal("gamma"), "cannot be swept"));
  CHECK(contains(refusal("gamma="), "\"\" is not a number"));
  CHECK(contains(refusal("gamma=high"), "\"high\""));
  CHECK(contains(refusal("gamma=0.5x"), "\"0.5x\""));
  CHECK(contains(refusal("gamma=0.5 "), "\"0.5 \""));
  CHECK(contains(refusal("alpha=1,"
                         ",2"),
                 "\"\" is not a number"));
  CHECK(contains(refusal("gamma=0.5.."), "is not a number"));
  CHECK(contains(refusal("gamma=0.9..0.5"), "0.9..0.5"));
  CHECK(contains(refusal("gamma=0..1:0"), "0..1:0"));
  CHECK(contains(refusal("gamma=0..1:-0.1"), "0..1:-0.1"));
  CHECK(contains(refusal("gamma=0..1:1e-9"), "1000 steps"));
  CHECK(contains(refusal("gamma=nan..1"), "nan..1"));
  CHECK(contains(refusal("alpha=0..inf"), "0..inf"));
  CHECK(contains(refusal("aggregation=median"), "median"));
  CHECK(contains(refusal("aggregation="), "discounted"));
  // Values out of their range, before a model is asked.
  CHECK(contains(refusal("gamma=0.5,1.5"), "gamma"));
  CHECK(contains(refusal("gamma=-0.5"), "gamma"));
  CHECK(contains(refusal("alpha=0"), "alpha"));
  CHECK(contains(refusal("alpha=nan"), "alpha"));
}

// Statistics for the sweep, and how often they were asked for.
struct Asked {
  TabularEngine engine = test::random_engine();
  StatsCache cache{std::nullopt};
  std::vector<double> alphas;

  std::unique_ptr<Scorer> scorer(double alpha, const AggregateOptions& aggregate, Aggregation kind) {
    ScoreOptions options;
    options.alpha = alpha;
    options.aggregate = aggregate;
    options.aggregate.kind = kind;
    options.find_steps = true;
    options.step_separator = "[0]";
    return std::make_unique<EndogenousScorer>(engine, cache, options);
  }
  ScorerOfAlpha of_alpha(const AggregateOptions& aggregate) {
    return [this, aggregate](double alpha) {
      alphas.push_back(alpha);
      return scorer(alpha, aggregate, Aggregation::kSum);
    };
  }
};

TEST_CASE("each setting gives the figures of a scorer with its options, chosen on one half, reported on the other") {
  const std::vector<Example> examples = test::random_examples(150, 1);
  for (const bool initial_value : {false, true}) {
    AggregateOptions base{.floor = 0.05, .chunk = 3, .last_k = 2, .initial_value = initial_value};
    MetricOptions options;
    options.bootstrap.resamples = 50;
    options.half_seed = 7;
    const std::vector<SweepSetting> settings = parse_sweep(
        "gamma=0..1:0.25,aggregation=discounted,sum,mean,chunked_mean,last_k,step_mean,min_step,alpha=0.5,1", kBase);
    Asked asked;
    const SweepReport report = sweep("pairs", examples, asked.of_alpha(base), settings, base, options);
    CHECK(asked.alphas == std::vector<double>{0.5, 1.0});  // one pass each
    REQUIRE(report.rows.size() == settings.size());
    std::set<double> values;
    for (std::size_t i = 0; i < settings.size(); ++i) {
      const SweepSetting& setting = settings[i];
      INFO("setting ", i, ": ", aggregation_name(setting.aggregation), " ", setting.gamma, " ", setting.alpha);
      AggregateOptions aggregate = base;
      aggregate.gamma = setting.gamma;
      const std::unique_ptr<Scorer> scorer = asked.scorer(setting.alpha, aggregate, setting.aggregation);
      std::vector<JudgedExample> halves[2];
      for (JudgedExample& judged : judge_examples(examples, *scorer, {})) {
        halves[is_selection_half(judged.group, 7) ? 0 : 1].push_back(judged);
      }
      REQUIRE(halves[0].size() > 50);
      REQUIRE(halves[1].size() > 50);
      const Figure selection = measure("pairs", halves[0], options).figures.at(0);
      const Figure reporting = measure("pairs", halves[1], options).figures.at(0);
      CHECK(report.rows[i].selection.value() == selection.value.value());
      CHECK(report.rows[i].reporting.value.value() == reporting.value.value());
      CHECK(report.rows[i].reporting.n == reporting.n);
      CHECK(report.rows[i].reporting.interval.value().low == reporting.interval.value().low);
      CHECK(report.rows[i].reporting.interval.value().high == reporting.interval.value().high);
      const std::size_t chosen = report.chosen.value();
      CHECK(report.rows[chosen].selection.value() >= *report.rows[i].selection);
      CHECK((i >= chosen || *report.rows[i].selection < *report.rows[chosen].selection));
      values.insert(*reporting.value);
    }
    CHECK(values.size() > 5);  // the settings do differ
  }
}

TEST_CASE("nothing is chosen where no prompt is in the half that chooses") {
  std::vector<Example> examples = test::random_examples(40, 3);
  std::erase_if(examples, [](const Example& example) { return is_selection_half(example.group, 7); });
  REQUIRE(!examples.empty());
  MetricOptions options;
  options.bootstrap.resamples = 0;
  options.half_seed = 7;
  Asked asked;
  const SweepReport report =
      sweep("pairs", examples, asked.of_alpha({}), parse_sweep("gamma=0.5,1", kBase), {}, options);
  CHECK(!report.chosen);
  CHECK(report.rows.at(0).reporting.value);
}

TEST_CASE("responses that fail are failures of every setting") {
  std::vector<Example> examples = test::random_examples(20, 2);
  for (Example& example : examples) {
    example.request.responses.push_back({{"", false}, {}});
    example.comparisons.push_back({0, example.request.responses.size() - 1, ""});
  }
  Asked asked;
  const SweepReport report =
      sweep("pairs", examples, asked.of_alpha({}), parse_sweep("aggregation=mean", kBase), {}, {});
  const std::size_t reporting = static_cast<std::size_t>(std::count_if(
      examples.begin(), examples.end(), [](const Example& example) { return !is_selection_half(example.group, 0); }));
  for (const SweepRow& row : report.rows) {
    CHECK(row.reporting.failed == reporting);
  }
}

TEST_CASE("both halves speak of the same figure, where one of them lacks a part of the benchmark") {
  // Each domain of RM-Bench is in one half alone: the mean of the domains is absent, and another figure comes first.
  std::vector<Example> examples;
  for (const Example& pair : test::random_examples(40, 3)) {
    const std::vector<RequestResponse>& texts = pair.request.responses;
    Example& example = examples.emplace_back(pair);
    example.subset = is_selection_half(pair.group, 0) ? "chat" : "code";
    example.comparisons.clear();
    example.request.responses = {texts[0], texts[0], texts[0], texts[1], texts[1], texts[1]};
    for (std::size_t i = 0; i < 9; ++i) {
      example.comparisons.push_back({i / 3, 3 + i % 3, std::to_string(i / 3) + "," + std::to_string(i % 3)});
    }
  }
  Asked asked;
  const SweepReport report =
      sweep("rm-bench", examples, asked.of_alpha({}), parse_sweep("aggregation=mean", kBase), {}, {});
  for (const SweepRow& row : report.rows) {
    CHECK(report.figure == row.reporting.name + " (" + row.reporting.group + ")");
    CHECK(row.reporting.value.has_value());
    CHECK((row.reporting.group != "code" || !row.selection));
  }
}

TEST_CASE("sets of stepwise solutions are refused") {
  std::vector<Example> examples = test::random_examples(3, 4);
  examples[1].steps = StepLabel{};
  Asked asked;
  const std::string message = message_of<InvalidInput>(
      [&] { sweep("processbench", examples, asked.of_alpha({}), parse_sweep("", kBase), {}, {}); });
  CHECK(contains(message, "processbench"));
  CHECK(contains(message, "--sweep"));
  CHECK(asked.alphas.empty());
}

}  // namespace
}  // namespace endorm
