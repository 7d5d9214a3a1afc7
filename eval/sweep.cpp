#include "eval/sweep.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/errors.h"
#include "core/spelled_number.h"
#include "core/temperature.h"
#include "eval/judging.h"

namespace endorm {
namespace {

double number_from(std::string_view text) {
  if (const std::optional<double> number = spelled_number<double>(text)) {
    return *number;
  }
  throw InvalidInput("[sweep] \"" + std::string(text) + "\" is not a number");
}

// "0.9", "0.8..1.0" or "0.8..1.0:0.1".
std::vector<double> numbers_from(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    return {number_from(text)};
  }
  constexpr double kStep = 0.05;
  constexpr std::size_t kMost = 1000;
  const std::size_t colon = text.find(':', dots);
  const double first = number_from(text.substr(0, dots));
  const double last = number_from(text.substr(dots + 2, colon == std::string_view::npos ? colon : colon - dots - 2));
  const double step = colon == std::string_view::npos ? kStep : number_from(text.substr(colon + 1));
  if (!(step > 0.0) || !(last >= first) || (last - first) / step > static_cast<double>(kMost)) {
    throw InvalidInput("[sweep] \"" + std::string(text) + "\" is no range of at most 1000 steps upwards");
  }
  std::vector<double> numbers;
  for (std::size_t i = 0; first + static_cast<double>(i) * step <= last + 1e-9 * step; ++i) {
    numbers.push_back(std::min(first + static_cast<double>(i) * step, last));
  }
  return numbers;
}

// Throws InvalidInput on a value out of its range, before a model is asked.
void check(const SweepSetting& setting) {
  AggregateOptions options;
  options.gamma = setting.gamma;
  check_aggregate_options(options);
  require_temperature(setting.alpha, "sweep");
}

struct Grid {
  std::vector<Aggregation> aggregations;
  std::vector<double> gammas;
  std::vector<double> alphas;
};

Grid grid_from(std::string_view text) {
  Grid grid;
  std::string name;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (const std::size_t equals = part.find('='); equals != std::string_view::npos) {
      name = part.substr(0, equals);
      part.remove_prefix(equals + 1);
    }
    if (name == "aggregation") {
      grid.aggregations.push_back(aggregation_from_name(part));
    } else if (name == "gamma" || name == "alpha") {
      std::vector<double>& values = name == "gamma" ? grid.gammas : grid.alphas;
      const std::vector<double> more = numbers_from(part);
      values.insert(values.end(), more.begin(), more.end());
    } else {
      throw InvalidInput("[sweep] \"" + name + "\" cannot be swept; write gamma=, aggregation= or alpha=, then values");
    }
  }
  return grid;
}

double reward_under(const ScoredResponse& response, const SweepSetting& setting, AggregateOptions options) {
  options.kind = setting.aggregation;
  options.gamma = setting.gamma;
  std::vector<TokenRange> steps;
  for (const StepReward& step : response.aggregates.value().steps) {
    steps.push_back(step.tokens);
  }
  return chosen_reward(
      aggregate(log_probs_of(response.tokens), steps, setting.alpha, options, initial_value_of(response.tokens)),
      setting.aggregation);
}

// The scorer's token rewards, aggregated anew.
class UnderSetting final : public Scorer {
 public:
  UnderSetting(std::span<const Scored> scored, const SweepSetting& setting, const AggregateOptions& base)
      : scored_(scored), setting_(setting), base_(base) {}

  std::vector<Scored> score(std::span<const Request>) override {
    std::vector<Scored> result;
    for (const Scored& record : scored_) {
      Scored& own = result.emplace_back(Scored{record.id, record.line, record.key, {}});
      for (const ScoredOutcome& outcome : record.responses) {
        ScoredOutcome& changed = own.responses.emplace_back();
        changed.error = outcome.error;
        if (outcome.scored) {
          changed.scored.emplace().reward = reward_under(*outcome.scored, setting_, base_);
        }
      }
    }
    return result;
  }

 private:
  std::span<const Scored> scored_;
  const SweepSetting& setting_;
  const AggregateOptions& base_;
};

// The figure to quote of a table: that which `same` is, where it is given. Halves that lack different parts of a
// benchmark put different figures first.
Figure first_figure(const MetricTable& table, const Figure* same) {
  for (const Figure& figure : table.figures) {
    if (same == nullptr || (figure.name == same->name && figure.group == same->group)) {
      return figure;
    }
  }
  Figure absent = same != nullptr ? *same : Figure{};
  absent.value.reset();
  absent.interval.reset();
  return absent;
}

constexpr std::size_t kWindow = 64;  // examples whose tokens are held at a time

}  // namespace

std::vector<SweepSetting> parse_sweep(std::string_view text, const SweepSetting& base) {
  Grid grid = grid_from(text);
  if (grid.aggregations.empty()) {
    grid.aggregations.push_back(base.aggregation);
  }
  if (grid.gammas.empty()) {
    grid.gammas.push_back(base.gamma);
  }
  if (grid.alphas.empty()) {
    grid.alphas.push_back(base.alpha);
  }
  std::vector<SweepSetting> settings = {base};
  const auto add = [&](const SweepSetting& setting) {
    const bool known = std::any_of(settings.begin(), settings.end(), [&](const SweepSetting& other) {
      return other.aggregation == setting.aggregation && other.alpha == setting.alpha &&
             (setting.aggregation != Aggregation::kDiscounted || other.gamma == setting.gamma);
    });
    if (!known) {
      settings.push_back(setting);
    }
  };
  for (const double alpha : grid.alphas) {
    for (const Aggregation aggregation : grid.aggregations) {
      for (const double gamma : grid.gammas) {
        add({aggregation, gamma, alpha});
        check(settings.back());
      }
    }
  }
  return settings;
}

SweepReport sweep(std::string_view benchmark, std::span<const Example> examples, const ScorerOfAlpha& scorer,
                  std::span<const SweepSetting> settings, const AggregateOptions& base, const MetricOptions& options) {
  for (const Example& example : examples) {
    if (example.steps) {
      throw InvalidInput("[sweep] " + std::string(benchmark) +
                         " asks about steps, whose scores depend on no aggregation; leave --sweep out");
    }
  }
  std::vector<std::vector<JudgedExample>> verdicts(settings.size());
  std::set<double> alphas;
  for (const SweepSetting& setting : settings) {
    alphas.insert(setting.alpha);
  }
  for (const double alpha : alphas) {
    const std::unique_ptr<Scorer> statistics = scorer(alpha);
    for (std::size_t begin = 0; begin < examples.size(); begin += kWindow) {
      const std::span<const Example> window = examples.subspan(begin, std::min(kWindow, examples.size() - begin));
      std::vector<Request> requests;
      for (const Example& example : window) {
        requests.push_back(example.request);
      }
      const std::vector<Scored> scored = statistics->score(requests);
      for (std::size_t i = 0; i < settings.size(); ++i) {
        if (settings[i].alpha == alpha) {
          UnderSetting under(scored, settings[i], base);
          for (JudgedExample& judged : judge_examples(window, under, {})) {
            verdicts[i].push_back(std::move(judged));
          }
        }
      }
    }
  }
  MetricOptions without_intervals = options;
  without_intervals.bootstrap.resamples = 0;
  SweepReport report;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    std::vector<JudgedExample> selecting;
    std::vector<JudgedExample> reporting;
    for (JudgedExample& judged : verdicts[i]) {
      (is_selection_half(judged.group, options.half_seed) ? selecting : reporting).push_back(std::move(judged));
    }
    SweepRow& row = report.rows.emplace_back();
    row.setting = settings[i];
    const Figure* const same = report.rows.size() > 1 ? &report.rows.front().reporting : nullptr;
    row.reporting = first_figure(measure(benchmark, reporting, options), same);
    const Figure selection = first_figure(measure(benchmark, selecting, without_intervals), &row.reporting);
    row.selection = selection.value;
    row.selection_n = selection.n;
    if (row.selection && selection.groups >= kFewGroups &&
        (!report.chosen || *row.selection > *report.rows[*report.chosen].selection)) {
      report.chosen = i;
    }
  }
  const Figure& figure = report.rows.at(0).reporting;
  report.figure = figure.name + " (" + figure.group + ")";
  return report;
}

}  // namespace endorm
