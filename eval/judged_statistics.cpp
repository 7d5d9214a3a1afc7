// What is read of a judge's rewards beside its figures: length, calibration; and the halves of a data set.
#include <algorithm>
#include <functional>
#include <string>

#include "engine/content_hash.h"
#include "eval/metrics.h"

namespace endorm {
namespace {

using Length = std::function<std::optional<double>(const JudgedResponse& response)>;

struct Sample {
  std::vector<double> rewards;
  std::vector<double> lengths;
};

// Values less their mean, appended.
void append_centred(std::span<const double> values, std::vector<double>& centred) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) {
    centred.push_back(value - mean);
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
