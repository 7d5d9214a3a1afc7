#include "score/score_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "core/nearest.h"
#include "engine/content_hash.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Reads what a table needs of a row, and builds nothing of the rest: rows with tokens are long.
class RowHandler final : public nlohmann::json_sax<Json> {
 public:
  explicit RowHandler(const std::string& field) : field_(field) {}

  std::optional<std::uint64_t> record_key;
  std::size_t line = 0;
  bool is_pair = false;
  bool has_responses = false;
  bool has_manifest = false;
  bool has_error = false;                              // in the place of responses
  std::vector<std::pair<std::size_t, double>> scores;  // of a ranking: with the places of the responses
  std::vector<std::string> numbers;                    // what the first response has, where it lacks the field

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    if (depth_ == 1 && row_field_ == "key") {
      record_key = record_key_number(value);
    }
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    ++depth_;
    if (in_response()) {
      score_ = kNone;
      index_ = scores.size();
    }
    return true;
  }
  bool end_object() override {
    if (in_response()) {
      scores.emplace_back(index_, score_);
    }
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      row_field_ = name;
      is_pair = is_pair || name == "chosen";
      has_manifest = has_manifest || name == "manifest";
      has_error = has_error || name == "error";
      is_list_ = name == "responses" || name == "ranking" || name == "errors";
      has_responses = has_responses || is_list_;
    } else if (in_response()) {
      response_field_ = name;
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool in_response() const { return depth_ == 3 && is_list_; }

  bool number(double value) {
    if (depth_ == 1 && row_field_ == "line") {
      line = static_cast<std::size_t>(value);
    } else if (in_response()) {
      if (response_field_ == field_) {
        score_ = value;
      } else if (response_field_ == "index") {
        index_ = static_cast<std::size_t>(value);
      }
      if (scores.empty()) {
        numbers.push_back(response_field_);
      }
    }
    return true;
  }

  const std::string& field_;
  std::size_t depth_ = 0;
  bool is_list_ = false;
  std::string row_field_;
  std::string response_field_;
  std::size_t index_ = 0;
  double score_ = kNone;
};

}  // namespace

ScoreTable ScoreTable::read(std::istream& lines, const std::string& command, const std::string& name,
                            const std::string& field) {
  const auto refuse = [&](const std::string& why) { throw InvalidInput("[" + command + "] " + why); };
  ScoreTable table;
  std::size_t number = 0;
  bool any = false;
  std::vector<std::string> numbers;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    RowHandler row(field);
    const bool whole =
        Json::sax_parse(line, &row) &&
        std::all_of(row.scores.begin(), row.scores.end(), [&](const auto& score) { return score.first < line.size(); });
    if (whole && row.has_manifest && number == 1) {
      table.map_ = Json::parse(line).value("/manifest/options/map"_json_pointer, "");
      continue;
    }
    if (!whole || !row.record_key || (!row.has_responses && !row.has_error)) {
      refuse("line " + std::to_string(number) + " of " + name +
             " is no row of a result. Give the file that `endorm score -o FILE` wrote.");
    }
    // A ranking leaves out what has no score, and has its own order.
    const std::size_t begin = table.scores_.size();
    for (const auto& [place, score] : row.scores) {
      if (begin + place >= table.scores_.size()) {
        table.scores_.resize(begin + place + 1, kNone);
      }
      table.scores_[begin + place] = score;
      any = any || !std::isnan(score);
    }
    table.rows_.push_back({*row.record_key, row.line, table.scores_.size(), row.is_pair});
    if (numbers.empty()) {
      numbers = std::move(row.numbers);
    }
  }
  if (!any) {
    const std::optional<std::string> meant = nearest(field, numbers);
    refuse("no response of " + name + " has a number \"" + excerpt(field) + "\"." +
           (numbers.empty() ? "" : " They have " + listed(numbers) + ".") + (meant ? " Is " + *meant + " meant?" : ""));
  }
  return table;
}

RecordScores ScoreTable::operator[](std::size_t row) const {
  const std::size_t begin = row == 0 ? 0 : rows_[row - 1].end;
  return {rows_[row].key, rows_[row].line, rows_[row].is_pair,
          std::span(scores_).subspan(begin, rows_[row].end - begin)};
}

}  // namespace endorm
