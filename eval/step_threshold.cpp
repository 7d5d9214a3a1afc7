#include "eval/step_threshold.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace endorm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A number above `low` and not above `high`, halfway where that can be told apart.
double between(double low, double high) {
  const double middle = low + (high - low) / 2.0;
  return middle > low && middle < high ? middle : high;
}

// What changes as the threshold rises past a score.
struct Change {
  double first = 0.0;
  double second = 0.0;
};

// The best of value(counts) over thresholds between the scores at which counts change. Counts begin at those of a
// threshold that no step is below.
template <typename Value>
FittedThreshold sweep(const std::map<double, Change>& changes, Change counts, const Value& value) {
  FittedThreshold best{.threshold = changes.begin()->first, .value = value(counts)};
  for (auto change = changes.begin(); change != changes.end(); ++change) {
    counts.first += change->second.first;
    counts.second += change->second.second;
    const auto next = std::next(change);
    const double above = next == changes.end() ? kInfinity : next->first;
    const double found = value(counts);
    if (found > best.value) {
      best = {.threshold = std::isinf(above) ? std::nextafter(change->first, kInfinity) : between(change->first, above),
              .value = found};
    }
  }
  return best;
}

}  // namespace

std::optional<std::size_t> first_below(std::span<const double> scores, double threshold) {
  const auto found = std::find_if(scores.begin(), scores.end(), [&](double score) { return score < threshold; });
  if (found == scores.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - scores.begin());
}

double harmonic_mean(double first, double second) {
  if (first == 0.0 && second == 0.0) {
    return 0.0;
  }
  return 2.0 * first * second / (first + second);
}

double class_f1(double found, double members, double falsely) {
  return found > 0.0 ? 2.0 * found / (members + found + falsely) : 0.0;
}

double prm_score(double right_kept, double right, double wrong_found, double wrong) {
  if (!(right > 0.0) || !(wrong > 0.0)) {
    return std::nan("");
  }
  return (class_f1(right_kept, right, wrong - wrong_found) + class_f1(wrong_found, wrong, right - right_kept)) / 2.0;
}

std::optional<FittedThreshold> fit_first_error(std::span<const ScoredSteps> rows) {
  // A row is told right on one interval of thresholds: above the score of its first wrong step, up to the lowest score
  // of the steps before it. A row without an error: up to the lowest of all.
  std::map<double, Change> changes;  // first: rows with an error, second: rows without
  double erroneous = 0.0;
  double correct = 0.0;
  for (const ScoredSteps& row : rows) {
    const std::size_t end = row.label->first_error.value_or(row.scores.size());
    double lowest = kInfinity;
    for (std::size_t s = 0; s < end; ++s) {
      lowest = std::min(lowest, row.scores[s]);
    }
    if (!row.label->first_error) {
      correct += 1.0;
      changes[lowest].second -= 1.0;
      continue;
    }
    erroneous += 1.0;
    if (row.scores[end] < lowest) {
      changes[row.scores[end]].first += 1.0;
      if (!std::isinf(lowest)) {
        changes[lowest].first -= 1.0;
      }
    }
  }
  if (erroneous == 0.0 || correct == 0.0) {
    return std::nullopt;
  }
  return sweep(changes, {.first = 0.0, .second = correct},
               [&](const Change& counts) { return harmonic_mean(counts.first / erroneous, counts.second / correct); });
}

std::optional<FittedThreshold> fit_every_step(std::span<const ScoredSteps> rows) {
  std::map<double, Change> changes;  // first: wrong steps that are found, second: right steps that are kept
  double wrong = 0.0;
  double right = 0.0;
  for (const ScoredSteps& row : rows) {
    if (!row.label->wrong) {
      continue;
    }
    for (std::size_t s = 0; s < row.scores.size(); ++s) {
      if ((*row.label->wrong)[s]) {
        wrong += 1.0;
        changes[row.scores[s]].first += 1.0;
      } else {
        right += 1.0;
        changes[row.scores[s]].second -= 1.0;
      }
    }
  }
  if (wrong == 0.0 || right == 0.0) {
    return std::nullopt;
  }
  return sweep(changes, {.first = 0.0, .second = right},
               [&](const Change& counts) { return prm_score(counts.second, right, counts.first, wrong); });
}

}  // namespace endorm
