#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// What a report needs to know of one scored response.
struct ResultResponse {
  std::optional<double> reward;         // none where it could not be scored
  std::optional<std::size_t> tokens;    // none: its judge read none
  std::optional<double> mean_log_prob;  // nats per token
  std::string text;                     // what its tokens spell; empty without --tokens
  std::string error;
};

// One row of a result file.
struct ResultRow {
  std::string id;
  std::size_t line = 0;
  std::optional<std::size_t> chosen;  // index of the chosen response, where the record said so
  std::vector<ResultResponse> responses;
  std::string error;                                   // where the whole record could not be scored
  std::shared_ptr<const nlohmann::ordered_json> json;  // the row as it stands in the file
};

// Reads a result file of `endorm score`: calls on_row for each row, in order, and returns its manifests, their fields
// by name (none where the file has none, several where result files were joined). Throws InvalidInput naming the line
// that is no row or ends in the middle, and on a file without any line.
std::vector<nlohmann::json> read_results(std::istream& lines, const std::function<void(const ResultRow&)>& on_row);

// How often the chosen response of a pair has the higher reward.
struct PairCount {
  std::size_t won = 0;
  std::size_t lost = 0;
  std::size_t tied = 0;
  std::size_t total() const { return won + lost + tied; }
  // won / total with its 95 % Wilson score interval; total() > 0.
  double accuracy() const;
  std::pair<double, double> interval() const;
};

// Counts a row that has a chosen response and exactly one other, both scored; leaves the others out.
void count_pair(const ResultRow& row, PairCount& count);

}  // namespace endorm
