#include "report/report.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "report/page_parts.h"
#include "report/result_file.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

// JSON that can stand inside a script element: nothing in it can end the element or be taken for markup.
std::string script_safe(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char byte : json) {
    if (byte == '<') {
      safe += "\\u003c";
    } else if (byte == '>') {
      safe += "\\u003e";
    } else if (byte == '&') {
      safe += "\\u0026";
    } else {
      safe += byte;
    }
  }
  return safe;
}

std::string escaped_html(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    switch (byte) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += byte;
    }
  }
  return escaped;
}

// Replaces each {{name}} of the page by its part, in one pass: what is put in is not searched again.
std::string filled(std::string_view page, const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
  std::string result;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t open = page.find("{{", at);
    if (open == std::string_view::npos) {
      result += page.substr(at);
      break;
    }
    const std::size_t close = page.find("}}", open);
    const std::string_view name = page.substr(open + 2, close - open - 2);
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& entry) { return entry.first == name; });
    if (close == std::string_view::npos || part == parts.end()) {
      throw InternalError("[render_report] the page asks for a part that does not exist");
    }
    result += page.substr(at, open - at);
    result += part->second;
    at = close + 2;
  }
  return result;
}

// What the page's distributions need of every response.
struct Distributions {
  std::vector<double> rewards;
  std::vector<std::size_t> lengths;
  std::vector<int> roles;  // 1 chosen, 0 rejected, -1 neither
  std::vector<double> margins;
};

}  // namespace

std::string render_report(std::istream& lines, const ReportOptions& options) {
  Distributions all;
  PairCount pairs;
  Json rows = Json::array();
  Json failures = Json::array();
  std::size_t records = 0;
  std::size_t responses = 0;
  std::size_t failed = 0;
  const auto add_failure = [&](Json failure) {
    if (failed++ < options.max_records) {
      failures.push_back(std::move(failure));
    }
  };
  const std::vector<std::string> manifests = read_results(lines, [&](const ResultRow& row) {
    if (records++ < options.max_records) {
      rows.push_back(Json::parse(row.json));
    }
    if (!row.error.empty()) {
      add_failure({{"id", row.id}, {"line", row.line}, {"error", row.error}});
    }
    for (std::size_t i = 0; i < row.responses.size(); ++i) {
      const ResultResponse& response = row.responses[i];
      ++responses;
      if (!response.reward) {
        add_failure({{"id", row.id}, {"line", row.line}, {"response", i}, {"error", response.error}});
        continue;
      }
      all.rewards.push_back(*response.reward);
      all.lengths.push_back(response.tokens);
      all.roles.push_back(!row.chosen ? -1 : i == *row.chosen ? 1 : 0);
    }
    const std::size_t counted = pairs.total();
    count_pair(row, pairs);
    if (pairs.total() > counted) {
      all.margins.push_back(*row.responses[*row.chosen].reward - *row.responses[1 - *row.chosen].reward);
    }
  });
  Json data{
      {"manifests", Json::array()},
      {"summary", {{"records", records}, {"responses", responses}, {"failures", failed}, {"shown", rows.size()}}}};
  for (const std::string& manifest : manifests) {
    data["manifests"].push_back(Json::parse(manifest));
  }
  if (pairs.total() > 0) {
    const auto [low, high] = pairs.interval();
    data["pairs"] = {{"won", pairs.won}, {"lost", pairs.lost}, {"tied", pairs.tied}, {"accuracy", pairs.accuracy()},
                     {"low", low},       {"high", high}};
  }
  data["distributions"] = {
      {"rewards", all.rewards}, {"lengths", all.lengths}, {"roles", all.roles}, {"margins", all.margins}};
  data["failures"] = std::move(failures);
  data["rows"] = std::move(rows);

  const std::string json = script_safe(data.dump());
  const std::string title = escaped_html(options.title);
  const std::string licence = escaped_html(uplot_licence);
  return filled(page_html, {{"title", title},
                            {"css", page_css},
                            {"uplot_css", uplot_css},
                            {"uplot_licence", licence},
                            {"data", json},
                            {"uplot_js", uplot_js},
                            {"page_js", page_js},
                            {"plots_js", plots_js},
                            {"heatmap_js", heatmap_js},
                            {"records_js", records_js}});
}

}  // namespace endorm
