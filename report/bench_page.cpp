#include "report/bench_page.h"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/bench_file.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using RowsById = std::map<std::string, const Json*>;

RowsById rows_by_id(const Json& judge) {
  RowsById rows;
  if (judge.contains("rows")) {
    for (const Json& row : judge.at("rows")) {
      rows.emplace(row.at("id").get<std::string>(), &row);
    }
  }
  return rows;
}

// The comparison of a row that is a shown pair: of those of its cell the one with its margin, by the judge that the
// pair was shown for.
std::optional<std::size_t> place_of_pair(const Json& row, const Json& pair) {
  if (!row.contains("comparisons")) {
    return std::nullopt;
  }
  const Json& comparisons = row.at("comparisons");
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const Json& comparison = comparisons[i];
    if (comparison.value("cell", "") == pair.at("cell") && comparison.contains("margin") &&
        comparison.at("margin") == pair.at("margin")) {
      return i;
    }
  }
  return std::nullopt;
}

// What a judge said of a pair: the comparison, and its rewards or replies where it gave some. Null where it was not
// asked.
Json verdict_of(const RowsById& rows, const std::string& id, std::size_t place) {
  const auto found = rows.find(id);
  if (found == rows.end() || !found->second->contains("comparisons") ||
      place >= found->second->at("comparisons").size()) {
    return nullptr;
  }
  const Json& row = *found->second;
  Json verdict = row.at("comparisons")[place];
  for (const char* side : {"better", "worse"}) {
    verdict[side] = row.at("responses")[verdict.at(side).get<std::size_t>()];
  }
  return verdict;
}

// Every judge's verdict on every shown pair, in the order of the judges.
void add_verdicts(Json& bench) {
  std::vector<RowsById> rows;
  for (const Json& judge : bench.at("judges")) {
    rows.push_back(rows_by_id(judge));
  }
  for (Json& pair : bench.at("shown")) {
    const auto id = pair.at("id").get<std::string>();
    pair["verdicts"] = Json::array();
    const auto first = rows.empty() ? RowsById::const_iterator{} : rows.front().find(id);
    if (rows.empty() || first == rows.front().end()) {
      continue;
    }
    const std::optional<std::size_t> place = place_of_pair(*first->second, pair);
    for (std::size_t i = 0; place && i < rows.size(); ++i) {
      pair["verdicts"].push_back(verdict_of(rows[i], id, *place));
    }
  }
}

}  // namespace

std::string render_bench_page(std::string_view json, const BenchPageOptions& options) {
  check_bench_file(json);
  Json bench = Json::parse(json);
  add_verdicts(bench);
  for (Json& judge : bench.at("judges")) {
    judge.erase("rows");
  }
  const auto benchmark = bench.at("benchmark").get<std::string>();
  return framed_page(
      {.html = bench_page_html,
       .title = options.title.empty() ? "EndoRM on " + benchmark : options.title,
       .json = bench.dump(),
       .styles = {tables_css, bench_page_css},
       .scripts = {tables_js, bench_tables_js, plot_base_js, bench_plots_js, heatmap_js, cards_js, bench_pairs_js}});
}

}  // namespace endorm
