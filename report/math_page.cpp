#include "report/math_page.h"

#include <cstddef>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/math_json.h"
#include "report/page_frame.h"
#include "report/page_parts.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

// What a judge said of each sample of a problem: a reward, or why there is none.
Json said_of(const JudgedExample& judged) {
  Json samples = Json::array();
  for (const JudgedResponse& response : judged.responses) {
    Json& said = samples.emplace_back(Json::object());
    if (response.reward) {
      said["reward"] = *response.reward;
    } else {
      said["error"] = response.error;
    }
    if (!response.replies.empty()) {
      said["replies"] = response.replies;
    }
  }
  return samples;
}

// What the page reads: the report, where each problem has beside it what every judge said, null where it was not asked.
Json page_data(const MathReport& report) {
  Json data = Json::parse(math_json(report));
  for (Json& judge : data.at("judges")) {
    judge.erase("rows");
  }
  std::vector<std::size_t> next(report.judges.size(), 0);
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    Json said = Json::array();
    for (std::size_t j = 0; j < report.judges.size(); ++j) {
      const std::vector<JudgedExample>& rows = report.judges[j].rows;
      const bool asked = next[j] < rows.size() && rows[next[j]].id == report.rows[i].problem.id;
      said.push_back(asked ? said_of(rows[next[j]++]) : Json(nullptr));
    }
    data["rows"][i]["judged"] = std::move(said);
  }
  return data;
}

std::string title_of(const MathReport& report) {
  std::string title = "EndoRM on ";
  for (const MathCounts& counts : report.counts) {
    title += (&counts == report.counts.data() ? "" : ", ") + counts.suite;
  }
  return report.counts.empty() ? "EndoRM: mathematical suites" : title;
}

}  // namespace

std::string render_math_page(const MathReport& report) {
  return framed_page(
      {.html = math_page_html,
       .title = title_of(report),
       .json = page_data(report).dump(-1, ' ', false, Json::error_handler_t::replace),
       .styles = {tables_css, math_page_css},
       .scripts = {tables_js, math_tables_js, plot_base_js, math_plots_js, heatmap_js, cards_js, math_samples_js}});
}

}  // namespace endorm
