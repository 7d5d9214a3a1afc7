#include "report/bench_page.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/bench_json.h"
#include "eval/best_of_record.h"
#include "eval/judged_json.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using RowsById = std::map<std::string_view, const JudgedExample*>;

// The comparison of a row that is a shown pair: of those of its cell the one with its margin, by the judge that the
// pair was shown for.
std::optional<std::size_t> place_of_pair(const JudgedExample& row, const ShownPair& pair) {
  for (std::size_t i = 0; i < row.comparisons.size(); ++i) {
    if (row.comparisons[i].comparison.cell == pair.cell && row.comparisons[i].margin == pair.margin) {
      return i;
    }
  }
  return std::nullopt;
}

// What a judge said of a pair: the comparison, and its rewards or replies where it gave some. Null where it was not
// asked.
Json verdict_of(const JudgedExample* row, std::size_t place) {
  if (row == nullptr || place >= row->comparisons.size()) {
    return nullptr;
  }
  const Json fields = judged_json(*row);
  Json verdict = fields.at("comparisons")[place];
  for (const char* side : {"better", "worse"}) {
    verdict[side] = fields.at("responses").at(verdict.at(side).get<std::size_t>());
  }
  return verdict;
}

// Every judge's verdict on a shown pair, in the order of the judges.
Json verdicts_on(const ShownPair& pair, std::span<const RowsById> rows) {
  const auto row_of = [&](const RowsById& judge) {
    const auto found = judge.find(pair.id);
    return found == judge.end() ? nullptr : found->second;
  };
  Json verdicts = Json::array();
  const JudgedExample* const first = rows.empty() ? nullptr : row_of(rows.front());
  const std::optional<std::size_t> place = first == nullptr ? std::nullopt : place_of_pair(*first, pair);
  for (std::size_t i = 0; place && i < rows.size(); ++i) {
    verdicts.push_back(verdict_of(row_of(rows[i]), *place));
  }
  return verdicts;
}

// What every judge said of an example's responses: rewards, or why there are none. Null where it was not asked.
Json judged_on(const Example& example, std::span<const RowsById> rows) {
  Json judged = Json::array();
  for (const RowsById& judge : rows) {
    const auto found = judge.find(example.request.id);
    judged.push_back(found == judge.end() ? Json(nullptr) : judged_json(*found->second).at("responses"));
  }
  return judged;
}

// What the page reads: the report without rows, where each shown pair has every judge's verdict beside it, and each
// example of best of several what every judge said of its responses.
Json page_data(const BenchReport& report) {
  std::vector<RowsById> rows(report.judges.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const JudgedExample& row : report.judges[i].rows) {
      rows[i].emplace(row.id, &row);
    }
  }
  Json data = bench_value(report, false);
  if (report.responses) {
    data["responses"]["rows"] = Json::array();
    for (const Example& example : report.responses->examples) {
      data["responses"]["rows"].push_back(best_of_record(example));
      data["responses"]["rows"].back()["judged"] = judged_on(example, rows);
    }
  }
  for (std::size_t i = 0; i < report.shown.size(); ++i) {
    data["shown"][i]["verdicts"] = verdicts_on(report.shown[i], rows);
  }
  return data;
}

// What it is of: the benchmark, or the sets that the questions come from.
std::string subject_of(const BenchReport& report) {
  if (!report.responses || report.responses->counts.empty()) {
    return report.benchmark;
  }
  std::string names;
  for (const ResponseCounts& counts : report.responses->counts) {
    names += (names.empty() ? "" : ", ") + counts.subset;
  }
  return names;
}

}  // namespace

std::string render_bench_page(const BenchReport& report, const BenchPageOptions& options) {
  std::vector<std::string_view> scripts = {tables_js, bench_tables_js, plot_base_js, bench_plots_js};
  if (report.responses) {
    scripts.insert(scripts.end(), {bench_choices_js, heatmap_js, cards_js, bench_responses_js});
  } else {
    scripts.insert(scripts.end(), {heatmap_js, cards_js, bench_pairs_js});
  }
  return framed_page({.html = bench_page_html,
                      .title = options.title.empty() ? "EndoRM on " + subject_of(report) : options.title,
                      .json = page_data(report).dump(-1, ' ', false, Json::error_handler_t::replace),
                      .styles = {tables_css, bench_page_css, bench_responses_css},
                      .scripts = std::move(scripts)});
}

}  // namespace endorm
