#include "report/run_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "report/terminal_text.h"
#include "report/text_table.h"

namespace endorm {
namespace {

constexpr std::size_t kMostFaults = 10;  // shown one by one

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", value);
  return text;
}

// What a row says of a metric.
struct Extremes {
  const RunPoint& first;
  const RunPoint& last;
  const RunPoint& least;
  const RunPoint& greatest;
};
Extremes extremes_of(const RunMetric& metric) {
  const auto [least, greatest] =
      std::minmax_element(metric.points.begin(), metric.points.end(),
                          [](const RunPoint& a, const RunPoint& b) { return a.value < b.value; });
  return {metric.points.front(), metric.points.back(), *least, *greatest};
}

std::vector<std::string> row_of(const RunMetric& metric) {
  const Extremes at = extremes_of(metric);
  return {metric.name,
          std::to_string(metric.points.size()),
          shown(at.first.value),
          shown(at.last.value),
          shown(at.least.value),
          std::to_string(at.least.step),
          shown(at.greatest.value),
          std::to_string(at.greatest.step)};
}

std::string standing(const RunFile& run) {
  const std::string done = run.steps == 0 ? "no step yet" : "step " + std::to_string(run.last_step);
  const std::string planned = run.planned_steps ? " of " + std::to_string(*run.planned_steps) : "";
  return run.kind + ": " + done + planned + (run.finished() ? ", finished" : "") + "; " +
         counted(run.samples.size(), "sample");
}

}  // namespace

std::string run_table(const RunFile& run) {
  std::string out = table_heading(standing(run), TableForm::kTerminal);
  if (!run.metrics.empty()) {
    TextTable table({"metric", "n", "first", "last", "least", "at step", "greatest", "at step"});
    for (const RunMetric& metric : run.metrics) {
      table.add(row_of(metric));
    }
    out += "\n" + table.text(TableForm::kTerminal);
  }
  for (std::size_t i = 0; i < run.faults.size() && i < kMostFaults; ++i) {
    const RunFault& fault = run.faults[i];
    out += table_note("line " + std::to_string(fault.line) + " is passed over: " + fault.reason, TableForm::kTerminal);
  }
  if (run.faults.size() > kMostFaults) {
    out += table_note("and " + counted(run.faults.size() - kMostFaults, "line") + " more", TableForm::kTerminal);
  }
  return out;
}

DataTable run_data(const RunFile& run) {
  DataTable table({"metric", "n", "first", "last", "least", "least_at_step", "greatest", "greatest_at_step"});
  for (const RunMetric& metric : run.metrics) {
    const Extremes at = extremes_of(metric);
    table.add({metric.name, metric.points.size(), at.first.value, at.last.value, at.least.value, at.least.step,
               at.greatest.value, at.greatest.step});
  }
  return table;
}

}  // namespace endorm
