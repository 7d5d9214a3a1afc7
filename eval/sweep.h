#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/aggregate.h"
#include "eval/example.h"
#include "eval/metrics.h"
#include "score/scorer.h"

namespace endorm {

// How token rewards are read and aggregated, once.
struct SweepSetting {
  Aggregation aggregation = Aggregation::kDiscounted;
  double gamma = 0.93;  // of discounted; others do not use it
  double alpha = 1.0;
};

// "gamma=0.8..1.0,aggregation=discounted,mean,alpha=0.5,1": every combination; gamma varies discounted alone. A range
// is FIRST..LAST or FIRST..LAST:STEP (STEP 0.05 where absent). What is not named stays as in `base`, which is the first
// setting. Throws InvalidInput naming the part that cannot be read.
std::vector<SweepSetting> parse_sweep(std::string_view text, const SweepSetting& base);

struct SweepRow {
  SweepSetting setting;
  std::optional<double> selection;  // the benchmark's first figure on the half that chooses
  Figure reporting;                 // and on the other half, with its interval
  std::size_t selection_n = 0;      // verdicts that selection rests on
};

struct SweepReport {
  std::string figure;                 // what is compared: name and group of the benchmark's first figure
  std::vector<SweepRow> rows;         // the first is the setting that was asked for without a sweep
  std::optional<std::size_t> chosen;  // the best on the half that chooses, to be quoted by its figure on the other
                                      // half; none where the half that chooses has fewer than kFewGroups groups
};

// Token statistics of a temperature: a scorer that gives ScoredResponse::tokens and, where asked for, steps.
using ScorerOfAlpha = std::function<std::unique_ptr<Scorer>(double alpha)>;

// Every setting on the same statistics: the scorer is asked once for each alpha. Throws InvalidInput on sets of
// stepwise solutions, whose scores no setting here changes, and as measure does.
SweepReport sweep(std::string_view benchmark, std::span<const Example> examples, const ScorerOfAlpha& scorer,
                  std::span<const SweepSetting> settings, const AggregateOptions& base, const MetricOptions& options);

}  // namespace endorm
