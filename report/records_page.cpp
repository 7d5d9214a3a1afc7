#include "report/records_page.h"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/page_frame.h"
#include "report/page_parts.h"
#include "report/result_file.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

// What the page's distributions need of every response.
struct Distributions {
  std::vector<double> rewards;
  std::vector<std::size_t> lengths;  // fewer where a judge read no tokens
  std::vector<int> roles;            // 1 chosen, 0 rejected, -1 neither
  std::vector<double> margins;
};

// Puts the images of the rows' messages into them, as "data" of each part.
void put_images(Json& rows, const std::vector<nlohmann::json>& manifests, const RecordsPageOptions& options) {
  const std::string file =
      manifests.empty() ? "" : manifests.front().value(nlohmann::json::json_pointer("/data/file"), std::string());
  for (Json& row : rows) {
    if (!row.contains("messages") || !row["messages"].is_array()) {
      continue;
    }
    for (Json& message : row["messages"]) {
      if (!message.is_object() || !message.contains("content") || !message["content"].is_array()) {
        continue;
      }
      for (Json& part : message["content"]) {
        if (!part.is_object() || part.value("type", Json()) != "image" || !part.value("path", Json()).is_string()) {
          continue;
        }
        if (std::string uri = options.image(part["path"].get<std::string>(), file); !uri.empty()) {
          part["data"] = std::move(uri);
        }
      }
    }
  }
}

}  // namespace

std::string render_records_page(std::istream& lines, const RecordsPageOptions& options) {
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
  const std::vector<nlohmann::json> manifests = read_results(lines, [&](const ResultRow& row) {
    if (records++ < options.max_records) {
      rows.push_back(*row.json);
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
      if (response.tokens) {
        all.lengths.push_back(*response.tokens);
      }
      all.roles.push_back(!row.chosen ? -1 : i == *row.chosen ? 1 : 0);
    }
    const std::size_t counted = pairs.total();
    count_pair(row, pairs);
    if (pairs.total() > counted) {
      all.margins.push_back(*row.responses[*row.chosen].reward - *row.responses[1 - *row.chosen].reward);
    }
  });
  if (options.image) {
    put_images(rows, manifests, options);
  }
  Json data{
      {"manifests", manifests},
      {"summary", {{"records", records}, {"responses", responses}, {"failures", failed}, {"shown", rows.size()}}}};
  if (pairs.total() > 0) {
    const auto [low, high] = pairs.interval();
    data["pairs"] = {{"won", pairs.won}, {"lost", pairs.lost}, {"tied", pairs.tied}, {"accuracy", pairs.accuracy()},
                     {"low", low},       {"high", high}};
  }
  data["distributions"] = {
      {"rewards", all.rewards}, {"lengths", all.lengths}, {"roles", all.roles}, {"margins", all.margins}};
  data["failures"] = std::move(failures);
  data["rows"] = std::move(rows);

  return framed_page({.html = page_html,
                      .title = options.title,
                      .json = data.dump(),
                      .styles = {tables_css},
                      .scripts = {tables_js, contributions_js, page_js, plot_base_js, plots_js, running_plot_js,
                                  heatmap_js, cards_js, records_js}});
}

}  // namespace endorm
