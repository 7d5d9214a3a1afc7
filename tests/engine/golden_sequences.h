#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/engine/sequences.h"

namespace endorm {

// What a golden file says of one continuation. Each is [T].
struct GoldenStats {
  std::vector<double> logit;
  std::vector<double> log_sum_exp;
  std::vector<double> log_prob;  // nats
  std::vector<double> entropy;   // nats
};
GoldenStats golden_stats(const nlohmann::json& sequence);

// A file of tests/golden.
nlohmann::json read_golden(const std::string& file);

// Largest difference of each statistic; NaN where one is NaN.
struct WorstDifference {
  double logit = 0;
  double log_sum_exp = 0;
  double log_prob = 0;
  double entropy = 0;
  std::vector<double> of_token;  // the largest of the four, for every token added

  // stats, golden: [T] both; fails the test where the lengths differ or entropy is absent.
  void add(std::span<const TokenStats> stats, const GoldenStats& golden);
  // Share of the tokens whose difference is not within the tolerance.
  double share_beyond(double tolerance) const;
  // "logit 1e-06, ...", for the test's log.
  std::string text() const;
};

}  // namespace endorm
