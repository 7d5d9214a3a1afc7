#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/example.h"
#include "eval/judged.h"
#include "eval/metrics.h"
#include "eval/sweep.h"

namespace endorm {

// What went wrong, or was not clear, in a judge's verdicts.
struct JudgeCounts {
  std::size_t examples = 0;
  std::size_t responses = 0;
  std::size_t failed_responses = 0;    // no reward
  std::size_t failed_comparisons = 0;  // no margin
  std::size_t unparsed = 0;            // questions whose replies held no verdict
  std::size_t inconsistent = 0;        // pairs judged in both orders with contradicting verdicts
};

// One judge on one benchmark.
struct JudgeReport {
  std::string name;
  std::string fingerprint;  // Judge::fingerprint
  JudgeCounts counts;
  MetricTable table;
  std::vector<LengthCorrelation> length_correlations;
  Calibration calibration;
  std::vector<JudgedExample> rows;
};

// A tokens' view of a won or lost pair, for people.
struct ShownResponse {
  std::string text;
  double reward = 0.0;
  std::vector<std::string> token_texts;  // [T]
  std::vector<double> log_prob;          // [T]
};
struct ShownPair {
  std::string id;
  std::string subset;
  std::string cell;
  std::vector<Message> messages;
  double margin = 0.0;
  ShownResponse better;
  ShownResponse worse;
};

struct BenchReport {
  std::string manifest;  // a JSON object: docs/bench-json.md
  std::string benchmark;
  std::vector<RowFault> faults;
  std::vector<std::string> notes;
  std::vector<JudgeReport> judges;
  // The first judge against each other one: places in `judges`, and what came out.
  std::vector<std::pair<std::size_t, JudgeComparison>> comparisons;
  std::optional<SweepReport> sweep;
  std::vector<ShownPair> shown;  // pairs that the first judge won and lost
};

// Fills what is computed from the rows: every judge's figures, and the first judge compared with every other one.
// Throws InvalidInput as measure does.
void measure_report(BenchReport& report, const MetricOptions& options);

}  // namespace endorm
