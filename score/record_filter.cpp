#include "score/record_filter.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace endorm {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// sorted [n >= 1], q from 0 to 1.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

// Whether a value is within what is asked of it; nothing is unknown where nothing is asked.
FilterVerdict within(double value, const std::optional<double>& least, const std::optional<double>& most) {
  if (!least && !most) {
    return FilterVerdict::kKeep;
  }
  if (std::isnan(value)) {
    return FilterVerdict::kUnknown;
  }
  return (least && value < *least) || (most && value > *most) ? FilterVerdict::kDrop : FilterVerdict::kKeep;
}

}  // namespace

double reward_of(const RecordScores& record) {
  if (record.is_pair) {
    return record.scores.empty() ? kNone : record.scores.front();
  }
  double best = kNone;
  for (const double score : record.scores) {
    best = std::isnan(best) || score > best ? score : best;
  }
  return best;
}

double margin_of(const RecordScores& record) {
  if (record.scores.size() < 2 ||
      std::any_of(record.scores.begin(), record.scores.end(), [](double score) { return std::isnan(score); })) {
    return kNone;
  }
  if (record.is_pair) {
    return record.scores[0] - record.scores[1];
  }
  const auto [worst, best] = std::minmax_element(record.scores.begin(), record.scores.end());
  return *best - *worst;
}

RecordFilter::RecordFilter(FilterRules rules, const ScoreTable& table) : rules_(rules) {
  if (!rules_.from_quantile && !rules_.to_quantile) {
    return;
  }
  std::vector<double> rewards;
  for (std::size_t row = 0; row < table.size(); ++row) {
    if (const double reward = reward_of(table[row]); !std::isnan(reward)) {
      rewards.push_back(reward);
    }
  }
  std::sort(rewards.begin(), rewards.end());
  if (!rewards.empty() && rules_.from_quantile) {
    least_ = quantile(rewards, *rules_.from_quantile);
  }
  if (!rewards.empty() && rules_.to_quantile) {
    most_ = quantile(rewards, *rules_.to_quantile);
  }
}

FilterVerdict RecordFilter::verdict(const RecordScores& record) const {
  const double reward = reward_of(record);
  const double margin = margin_of(record);
  std::vector<FilterVerdict> verdicts = {within(reward, rules_.min_reward, rules_.max_reward),
                                         within(reward, least_, most_),
                                         within(margin, rules_.min_margin, rules_.max_margin)};
  if (rules_.agrees || rules_.disagrees) {
    const bool known = record.is_pair && !std::isnan(margin);
    const bool fits = rules_.agrees ? margin > 0 : margin < 0;
    verdicts.push_back(!known ? FilterVerdict::kUnknown : fits ? FilterVerdict::kKeep : FilterVerdict::kDrop);
  }
  for (const FilterVerdict other : {FilterVerdict::kUnknown, FilterVerdict::kDrop}) {
    if (std::find(verdicts.begin(), verdicts.end(), other) != verdicts.end()) {
      return other;
    }
  }
  return FilterVerdict::kKeep;
}

std::vector<std::size_t> best_responses(const RecordScores& record, std::size_t count) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < record.scores.size(); ++i) {
    if (!std::isnan(record.scores[i])) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return record.scores[left] > record.scores[right]; });
  order.resize(std::min(order.size(), count));
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace endorm
