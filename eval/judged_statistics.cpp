// What is read of a judge's rewards beside its figures: length, calibration; and the halves of a data set.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/errors.h"
#include "core/reward.h"
#include "engine/content_hash.h"
#include "eval/metrics.h"
#include "eval/statistics.h"

namespace endorm {
namespace {

void check_pairs(std::span<const double> x, std::span<const double> y, const char* function) {
  if (x.size() != y.size()) {
    throw InvalidInput("[" + std::string(function) + "] x has " + std::to_string(x.size()) + " values and y " +
                       std::to_string(y.size()) + ". Give one y for each x.");
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      throw InvalidInput("[" + std::string(function) + "] pair " + std::to_string(i) + " is (" + std::to_string(x[i]) +
                         ", " + std::to_string(y[i]) + "). Leave out what is not finite.");
    }
  }
}

bool varies(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [&](double value) { return value != values.front(); });
}

double mean(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// Values less their mean, divided by the largest of these in size: their squares neither overflow nor vanish.
std::vector<double> scaled_deviations(std::span<const double> values) {
  const double centre = mean(values);
  std::vector<double> deviations(values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    deviations[i] = values[i] - centre;
    largest = std::max(largest, std::abs(deviations[i]));
  }
  for (double& deviation : deviations) {
    deviation /= largest;
  }
  return deviations;
}

}  // namespace

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y, "pearson");
  if (x.size() < 2 || !varies(x) || !varies(y)) {
    return std::nullopt;
  }
  const std::vector<double> dx = scaled_deviations(x);
  const std::vector<double> dy = scaled_deviations(y);
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < dx.size(); ++i) {
    xx += dx[i] * dx[i];
    yy += dy[i] * dy[i];
    xy += dx[i] * dy[i];
  }
  return xy / (std::sqrt(xx) * std::sqrt(yy));
}

std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y, "spearman");
  return pearson(mid_ranks(x), mid_ranks(y));
}

std::optional<double> kendall_tau(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y, "kendall_tau");
  double same_less_opposite = 0.0;
  double ordered_by_x = 0.0;
  double ordered_by_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const int of_x = static_cast<int>(x[i] < x[j]) - static_cast<int>(x[i] > x[j]);
      const int of_y = static_cast<int>(y[i] < y[j]) - static_cast<int>(y[i] > y[j]);
      same_less_opposite += of_x * of_y;
      ordered_by_x += of_x != 0 ? 1.0 : 0.0;
      ordered_by_y += of_y != 0 ? 1.0 : 0.0;
    }
  }
  if (ordered_by_x == 0.0 || ordered_by_y == 0.0) {
    return std::nullopt;
  }
  return same_less_opposite / (std::sqrt(ordered_by_x) * std::sqrt(ordered_by_y));
}

std::vector<double> mid_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && !(values[order[begin]] < values[order[end]])) {
      ++end;
    }
    // The mean of the ranks begin + 1 .. end.
    const double rank = static_cast<double>(begin + 1 + end) / 2.0;
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = rank;
    }
  }
  return ranks;
}

Calibration calibrate(std::span<const double> margins, std::size_t bins) {
  if (bins == 0) {
    throw InvalidInput("[calibrate] 0 bins are asked for. Give at least 1.");
  }
  Calibration calibration;
  calibration.bins.resize(bins);
  const auto count = static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    calibration.bins[b].low = 0.5 + 0.5 * static_cast<double>(b) / count;
    calibration.bins[b].high = 0.5 + 0.5 * static_cast<double>(b + 1) / count;
  }
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double margin = margins[i];
    if (!std::isfinite(margin)) {
      throw InvalidInput("[calibrate] margin " + std::to_string(i) + " is " + std::to_string(margin) +
                         ". Leave out what is not finite.");
    }
    if (margin == 0.0) {
      ++calibration.ties;
      continue;
    }
    const double confidence = preference_probability(std::abs(margin), 0.0);
    // The last bin whose low end is not above it: a confidence on a border lies in the upper bin.
    const auto above = std::upper_bound(calibration.bins.begin() + 1, calibration.bins.end(), confidence,
                                        [](double value, const CalibrationBin& bin) { return value < bin.low; });
    CalibrationBin& bin = *(above - 1);
    ++bin.n;
    bin.confidence += confidence;
    bin.accuracy += margin > 0.0 ? 1.0 : 0.0;
    ++calibration.n;
  }
  double gap = 0.0;
  for (CalibrationBin& bin : calibration.bins) {
    if (bin.n == 0) {
      continue;
    }
    gap += std::abs(bin.accuracy - bin.confidence);  // both are still sums: n_b times the gap of the means
    bin.confidence /= static_cast<double>(bin.n);
    bin.accuracy /= static_cast<double>(bin.n);
  }
  if (calibration.n > 0) {
    calibration.expected_error = gap / static_cast<double>(calibration.n);
  }
  return calibration;
}

namespace {

using Length = std::function<std::optional<double>(const JudgedResponse& response)>;

struct Sample {
  std::vector<double> rewards;
  std::vector<double> lengths;
};

// Values less their mean, appended.
void append_centred(std::span<const double> values, std::vector<double>& centred) {
  const double centre = mean(values);
  for (const double value : values) {
    centred.push_back(value - centre);
  }
}

LengthCorrelation correlation(std::span<const JudgedExample> judged, std::string unit, const Length& length) {
  Sample all;
  Sample within;       // deviations from the prompt's mean
  Sample rank_within;  // ranks within the prompt, less their mean
  for (const JudgedExample& example : judged) {
    Sample prompt;
    for (const JudgedResponse& response : example.responses) {
      const std::optional<double> measured = length(response);
      if (!response.reward || !measured) {
        continue;
      }
      prompt.rewards.push_back(*response.reward);
      prompt.lengths.push_back(*measured);
    }
    all.rewards.insert(all.rewards.end(), prompt.rewards.begin(), prompt.rewards.end());
    all.lengths.insert(all.lengths.end(), prompt.lengths.begin(), prompt.lengths.end());
    if (prompt.rewards.size() < 2) {
      continue;
    }
    append_centred(prompt.rewards, within.rewards);
    append_centred(prompt.lengths, within.lengths);
    append_centred(mid_ranks(prompt.rewards), rank_within.rewards);
    append_centred(mid_ranks(prompt.lengths), rank_within.lengths);
  }
  return {.unit = std::move(unit),
          .n = all.rewards.size(),
          .n_within = within.rewards.size(),
          .pearson = pearson(all.rewards, all.lengths),
          .spearman = spearman(all.rewards, all.lengths),
          .pearson_within = pearson(within.rewards, within.lengths),
          .spearman_within = pearson(rank_within.rewards, rank_within.lengths)};
}

}  // namespace

std::vector<LengthCorrelation> length_correlations(std::span<const JudgedExample> judged) {
  std::vector<LengthCorrelation> correlations;
  correlations.push_back(correlation(judged, "characters", [](const JudgedResponse& response) {
    return std::optional(static_cast<double>(response.characters));
  }));
  LengthCorrelation tokens = correlation(judged, "tokens", [](const JudgedResponse& response) {
    return response.tokens ? std::optional(static_cast<double>(*response.tokens)) : std::nullopt;
  });
  if (tokens.n > 0) {
    correlations.push_back(std::move(tokens));
  }
  return correlations;
}

Calibration calibration(std::span<const JudgedExample> judged, std::size_t bins) {
  std::vector<double> margins;
  for (const JudgedExample& example : judged) {
    for (const JudgedComparison& comparison : example.comparisons) {
      if (comparison.margin) {
        margins.push_back(*comparison.margin);
      }
    }
  }
  return calibrate(margins, bins);
}

bool is_selection_half(std::string_view group, std::uint64_t seed) {
  const Digest digest = sha256("half\n" + std::to_string(seed) + "\n" + std::string(group));
  return (digest.front() & 1) == 0;
}

}  // namespace endorm
