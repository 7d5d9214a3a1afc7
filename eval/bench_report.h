#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

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

// What the responses to the questions of a subset are like.
struct ResponseCounts {
  std::string subset;
  std::size_t examples = 0;
  std::size_t failed = 0;  // of these: could not be asked
  std::size_t responses = 0;
  std::size_t correct = 0;
  std::size_t unparsable = 0;  // have no answer, where that is known
  std::size_t truncated = 0;   // of drawn ones: reached the largest number of tokens; of others: marked as cut off
  std::size_t stopped = 0;     // ended by a stop string
  std::size_t tokens = 0;      // of drawn ones
};

// The responses to an example token by token, for people.
struct ShownExample {
  std::string id;
  struct Response {
    std::size_t place = 0;  // in Request::responses
    double reward = 0.0;
    std::vector<std::string> token_texts;  // [T]
    std::vector<double> log_prob;          // [T]
  };
  std::vector<Response> responses;
};

// Of a benchmark of several responses to a question: what they say.
struct ResponseReport {
  std::vector<Example> examples;
  std::vector<ShownExample> shown;  // by the first judge
  // Computed from the examples by measure_report.
  std::vector<ResponseCounts> counts;  // a subset each
  MetricTable table;                   // measure_without_judge
};

struct BenchReport {
  std::shared_ptr<const nlohmann::ordered_json> manifest;  // an object: docs/bench-json.md
  std::string benchmark;
  std::vector<RowFault> faults;
  std::vector<std::string> notes;
  std::vector<JudgeReport> judges;
  // The first judge against each other one: places in `judges`, and what came out.
  std::vector<std::pair<std::size_t, JudgeComparison>> comparisons;
  std::optional<SweepReport> sweep;
  std::vector<ShownPair> shown;  // pairs that the first judge won and lost
  std::optional<ResponseReport> responses;
};

// Of these examples, with no judge yet. Their responses are kept where the benchmark has figures that need no judge.
BenchReport report_of(const DataSet& data);

// Fills what is computed from the rows: every judge's figures, and the first judge compared with every other one.
// Throws InvalidInput as measure does.
void measure_report(BenchReport& report, const MetricOptions& options);

}  // namespace endorm
