#include "report/result_file.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/statistics.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

ResultResponse response_from(const JsonField& row) {
  ResultResponse response;
  if (row.has("error")) {
    response.error = row.at("error").text();
    return response;
  }
  response.reward = row.at("reward").number();
  if (row.has("tokens")) {
    response.tokens = row.at("tokens").count();
    if (response.tokens == std::size_t{0}) {
      throw InvalidInput("a scored response has no tokens");
    }
    if (row.has("log_prob")) {
      response.mean_log_prob = row.at("log_prob").number() / static_cast<double>(*response.tokens);
    }
  }
  if (row.has("token_rewards")) {
    for (const JsonField& text : row.at("token_rewards").at("text").list()) {
      response.text += text.text();
    }
  }
  return response;
}

ResultRow row_from(const std::shared_ptr<const Json>& json) {
  const JsonField fields(*json);
  ResultRow row;
  row.line = fields.at("line").count();
  row.id = fields.has("id") ? fields.at("id").text() : "line " + std::to_string(row.line);
  row.json = json;
  if (fields.has("error")) {
    row.error = fields.at("error").at("message").text();
    return row;
  }
  if (fields.has("chosen")) {
    row.chosen = fields.at("chosen").count();
  }
  for (const JsonField& response : fields.at("responses").list()) {
    row.responses.push_back(response_from(response));
  }
  if (row.chosen && *row.chosen >= row.responses.size()) {
    throw InvalidInput("\"chosen\" is " + std::to_string(*row.chosen) + " of " + std::to_string(row.responses.size()) +
                       " responses, counted from 0");
  }
  return row;
}

// What is wrong with a line that the parser refused.
std::string json_fault(const std::string& line) {
  try {
    check_json(line);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "it is no JSON.";
}

}  // namespace

std::vector<nlohmann::json> read_results(std::istream& lines, const std::function<void(const ResultRow&)>& on_row) {
  std::vector<nlohmann::json> manifests;
  std::size_t number = 0;
  std::size_t rows = 0;
  const auto refuse = [&](const std::string& why) {
    throw InvalidInput("[report] line " + std::to_string(number) + " is no row of `endorm score`: " + why);
  };
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    try {
      const auto json = std::make_shared<const Json>(Json::parse(line));
      if (const JsonField fields(*json); fields.has("manifest")) {
        manifests.emplace_back(fields.at("manifest").object().value());
        continue;
      }
      if (json->contains("ranking")) {
        refuse("it is one of `endorm rank`. Score the records with `endorm score --tokens` for a report");
      }
      const ResultRow row = row_from(json);
      ++rows;
      on_row(row);
    } catch (const Json::parse_error&) {
      if (lines.eof()) {
        refuse(
            "it ends in the middle. A run that was stopped leaves such a line: run `endorm score` again, it goes on");
      }
      refuse(json_fault(line));
    } catch (const Json::exception&) {  // a number beyond the range of doubles
      refuse(json_fault(line));
    } catch (const InvalidInput& error) {
      refuse(error.what());
    }
  }
  if (lines.bad()) {
    throw EngineError("[report] reading stopped at line " + std::to_string(number));
  }
  if (rows == 0 && manifests.empty()) {
    throw InvalidInput("[report] the file holds no line. Give a result file of `endorm score -o FILE`.");
  }
  return manifests;
}

double PairCount::accuracy() const { return static_cast<double>(won) / static_cast<double>(total()); }

std::pair<double, double> PairCount::interval() const {
  const Interval interval = wilson_interval(static_cast<double>(won), static_cast<double>(total()));
  return {interval.low, interval.high};
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
