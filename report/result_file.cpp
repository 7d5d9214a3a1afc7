#include "report/result_file.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using Json = nlohmann::json;

ResultResponse response_from(const Json& json) {
  ResultResponse response;
  if (json.contains("error")) {
    response.error = json.at("error").get<std::string>();
    return response;
  }
  response.reward = json.at("reward").get<double>();
  response.tokens = json.at("tokens").get<std::size_t>();
  response.mean_log_prob = json.at("log_prob").get<double>() / static_cast<double>(response.tokens);
  if (json.contains("token_rewards")) {
    for (const Json& text : json.at("token_rewards").at("text")) {
      response.text += text.get<std::string>();
    }
  }
  return response;
}

ResultRow row_from(const Json& json, std::string line) {
  ResultRow row;
  row.line = json.at("line").get<std::size_t>();
  row.id = json.contains("id") ? json.at("id").get<std::string>() : "line " + std::to_string(row.line);
  row.json = std::move(line);
  if (json.contains("error")) {
    row.error = json.at("error").at("message").get<std::string>();
    return row;
  }
  if (json.contains("chosen")) {
    row.chosen = json.at("chosen").get<std::size_t>();
  }
  for (const Json& response : json.at("responses")) {
    row.responses.push_back(response_from(response));
  }
  return row;
}

}  // namespace

std::string read_results(std::istream& lines, const std::function<void(const ResultRow&)>& on_row) {
  std::string manifest;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    try {
      const Json json = Json::parse(line);
      if (json.contains("manifest")) {
        manifest = json.at("manifest").dump();
        continue;
      }
      on_row(row_from(json, std::move(line)));
    } catch (const Json::exception& error) {
      throw InvalidInput("[report] line " + std::to_string(number) + " is no row of `endorm score`: " + error.what());
    }
  }
  if (lines.bad()) {
    throw EngineError("[report] reading stopped at line " + std::to_string(number));
  }
  return manifest;
}

double PairCount::accuracy() const { return static_cast<double>(won) / static_cast<double>(total()); }

// Wilson 1927: centre (p + z^2/2n) / (1 + z^2/n), half-width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
std::pair<double, double> PairCount::interval() const {
  constexpr double kZ = 1.959963984540054;  // 97.5 % quantile of the normal distribution
  const double n = static_cast<double>(total());
  const double p = accuracy();
  const double scale = 1.0 + kZ * kZ / n;
  const double centre = (p + kZ * kZ / (2.0 * n)) / scale;
  const double half = kZ * std::sqrt(p * (1.0 - p) / n + kZ * kZ / (4.0 * n * n)) / scale;
  return {centre - half, centre + half};
}

void count_pair(const ResultRow& row, PairCount& count) {
  if (!row.chosen || row.responses.size() != 2 || *row.chosen > 1) {
    return;
  }
  const std::optional<double>& chosen = row.responses[*row.chosen].reward;
  const std::optional<double>& rejected = row.responses[1 - *row.chosen].reward;
  if (!chosen || !rejected) {
    return;
  }
  ++(*chosen > *rejected ? count.won : *chosen < *rejected ? count.lost : count.tied);
}

}  // namespace endorm
