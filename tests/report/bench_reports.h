#pragma once

#include <string>
#include <vector>

#include "eval/bench_report.h"

namespace endorm::test {

inline MetricOptions few_resamples() {
  MetricOptions options;
  options.bootstrap.resamples = 20;
  return options;
}

// A row with two responses that are compared twice, with these margins.
inline JudgedExample compared_row(const std::string& id, double first_margin, double second_margin) {
  JudgedExample row;
  row.id = id;
  row.key = "00";
  row.subset = "chat";
  row.group = id;
  row.responses.resize(2);
  row.responses[0].reward = -1.5;
  row.responses[1].reward = -2.5;
  row.comparisons = {{{0, 1, "0,1"}, first_margin}, {{1, 0, "1,0"}, second_margin}};
  return row;
}

inline JudgeReport judge_of(const std::string& name, std::vector<JudgedExample> rows) {
  JudgeReport judge;
  judge.name = name;
  judge.fingerprint = "ab12";
  judge.rows = std::move(rows);
  return judge;
}

inline ShownPair shown_pair(const std::string& id, const std::string& cell, double margin) {
  const ShownResponse better{"good", -1.5, {"good", "<end>"}, {-1.25, -0.25}};
  const ShownResponse worse{"bad", -1.5, {"bad", "<end>"}, {-1.25, -0.25}};
  return {id, "chat", cell, {{"user", "Hi"}}, margin, better, worse};
}

// Two judges, a sweep of two settings, two shown pairs; not measured.
inline BenchReport pairs_report() {
  BenchReport report;
  report.benchmark = "pairs";
  report.manifest = R"({"endorm":"0.1.0","model":{"name":"small.gguf"}})";
  report.faults = {{"chat.json", 3, "x", "blank"}};
  report.judges = {judge_of("endorm", {compared_row("r1", 1.0, -1.0), compared_row("r2", 0.5, -0.5)}),
                   judge_of("length", {compared_row("r2", -28.0, 28.0), compared_row("r1", 7.0, -7.0)})};
  report.sweep = SweepReport{"accuracy (all)", {{{}, 0.75, {}}, {{Aggregation::kMean, 0.5, 2.0}, {}, {}}}, 0};
  report.shown = {shown_pair("r1", "1,0", -1.0), shown_pair("r2", "0,1", 0.5)};
  return report;
}

}  // namespace endorm::test
