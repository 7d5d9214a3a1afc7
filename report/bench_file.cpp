#include "report/bench_file.h"

#include <cstddef>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;

// A value of the file and where it stands, as a reader would write it: judges[0].figures[2].n
class Field {
 public:
  Field(const Json& value, std::string place) : value_(value), place_(std::move(place)) {}

  const Json& value() const { return value_; }
  bool has(const char* name) const { return value_.is_object() && value_.contains(name); }

  Field at(const char* name) const {
    require(value_.is_object(), "an object");
    if (!value_.contains(name)) {
      throw InvalidInput(std::string(name) + " is missing" + (place_.empty() ? "" : " in " + place_));
    }
    return {value_.at(name), place_.empty() ? name : place_ + "." + name};
  }

  // Calls check for each element; returns how many there are.
  template <typename Check>
  std::size_t each(Check check) const {
    require(value_.is_array(), "a list");
    for (std::size_t i = 0; i < value_.size(); ++i) {
      check(Field(value_[i], place_ + "[" + std::to_string(i) + "]"));
    }
    return value_.size();
  }

  void require(bool holds, const std::string& expected) const {
    if (!holds) {
      throw InvalidInput((place_.empty() ? "the file" : place_) + " is " + excerpt(value_.dump()) + ", not " +
                         expected);
    }
  }
  void text() const { require(value_.is_string(), "a text"); }
  void truth() const { require(value_.is_boolean(), "true or false"); }
  void count() const { require(value_.is_number_unsigned(), "a count"); }
  void number() const { require(value_.is_number(), "a number"); }
  void number_or_null() const { require(value_.is_number() || value_.is_null(), "a number or null"); }
  void interval_or_null() const {
    require(
        value_.is_null() || (value_.is_array() && value_.size() == 2 && value_[0].is_number() && value_[1].is_number()),
        "null or a low and a high number");
  }

 private:
  const Json& value_;
  std::string place_;
};

void text(const Field& field) { field.text(); }
void number(const Field& field) { field.number(); }

void check_figure(const Field& figure) {
  figure.at("name").text();
  figure.at("group").text();
  if (figure.has("variant")) {
    figure.at("variant").text();
  }
  figure.at("value").number_or_null();
  figure.at("interval").interval_or_null();
  figure.at("fraction").truth();
  for (const char* name : {"n", "ties", "failed"}) {
    figure.at(name).count();
  }
}

void check_matrix(const Field& matrix) {
  for (const char* name : {"name", "group", "row", "column"}) {
    matrix.at(name).text();
  }
  const std::size_t rows = matrix.at("rows").each(text);
  const std::size_t columns = matrix.at("columns").each(text);
  const Field cells = matrix.at("cells");
  cells.require(cells.each(check_figure) == rows * columns, "a figure for each row and column");
}

void check_length(const Field& length) {
  length.at("unit").text();
  for (const char* name : {"n", "n_within"}) {
    length.at(name).count();
  }
  for (const char* name : {"pearson", "spearman", "pearson_within", "spearman_within"}) {
    length.at(name).number_or_null();
  }
}

void check_calibration(const Field& calibration) {
  calibration.at("n").count();
  calibration.at("ties").count();
  calibration.at("expected_error").number_or_null();
  calibration.at("bins").each([](const Field& bin) {
    bin.at("n").count();
    for (const char* name : {"low", "high", "confidence", "accuracy"}) {
      bin.at(name).number();
    }
  });
}

void check_row(const Field& row) {
  row.at("id").text();
  row.at("subset").text();
  const std::size_t responses = row.at("responses").each([](const Field& response) {
    response.has("error") ? response.at("error").text() : response.at("reward").number();
    if (response.has("replies")) {
      response.at("replies").each(text);
    }
  });
  if (!row.has("comparisons")) {
    return;
  }
  row.at("comparisons").each([&](const Field& comparison) {
    for (const char* name : {"better", "worse"}) {
      const Field place = comparison.at(name);
      place.count();
      place.require(place.value().get<std::size_t>() < responses, "the place of a response");
    }
    if (comparison.has("cell")) {
      comparison.at("cell").text();
    }
    comparison.has("error") ? comparison.at("error").text() : comparison.at("margin").number();
    if (comparison.has("replies")) {
      comparison.at("replies").each(text);
    }
  });
}

void check_judge(const Field& judge) {
  judge.at("name").text();
  judge.at("fingerprint").text();
  for (const char* name :
       {"examples", "responses", "failed_responses", "failed_comparisons", "unparsed", "inconsistent"}) {
    judge.at("counts").at(name).count();
  }
  judge.at("figures").each(check_figure);
  judge.at("matrices").each(check_matrix);
  judge.at("notes").each(text);
  judge.at("length_correlations").each(check_length);
  check_calibration(judge.at("calibration"));
  judge.at("reward_length").each([](const Field& point) {
    point.require(point.each(number) == 2, "a length and a reward");
  });
  if (judge.has("rows")) {
    judge.at("rows").each(check_row);
  }
}

void check_comparison(const Field& comparison) {
  comparison.at("first").text();
  comparison.at("second").text();
  for (const char* name : {"examples", "first_only", "second_only"}) {
    comparison.at(name).count();
  }
  comparison.at("figures").each([](const Field& compared) {
    check_figure(compared.at("first"));
    check_figure(compared.at("second"));
    compared.at("difference").number_or_null();
    compared.at("interval").interval_or_null();
    compared.at("p_value").number_or_null();
  });
  const Field mcnemar = comparison.at("mcnemar");
  mcnemar.at("right_first_only").count();
  mcnemar.at("right_second_only").count();
  mcnemar.at("p_value").number();
  mcnemar.at("clustered").truth();
  comparison.at("notes").each(text);
}

void check_sweep(const Field& sweep) {
  sweep.at("figure").text();
  const std::size_t rows = sweep.at("rows").each([](const Field& row) {
    row.at("aggregation").text();
    if (row.has("gamma")) {
      row.at("gamma").number();
    }
    row.at("alpha").number();
    row.at("selection").number_or_null();
    check_figure(row.at("reporting"));
  });
  const Field chosen = sweep.at("chosen");
  if (!chosen.value().is_null()) {
    chosen.count();
    chosen.require(chosen.value().get<std::size_t>() < rows, "the place of one of its rows, or null");
  }
}

void check_shown(const Field& pair) {
  for (const char* name : {"id", "subset", "cell"}) {
    pair.at(name).text();
  }
  pair.at("messages").each([](const Field& message) {
    message.at("role").text();
    message.at("content").text();
  });
  pair.at("margin").number();
  for (const char* name : {"better", "worse"}) {
    const Field response = pair.at(name);
    response.at("text").text();
    response.at("reward").number();
    const std::size_t tokens = response.at("token_texts").each(text);
    const Field log_prob = response.at("log_prob");
    log_prob.require(log_prob.each(number) == tokens, "a number a token");
  }
}

void check_file(const Field& file) {
  const Field format = file.at("endorm_bench");
  format.require(format.value() == kFormat, std::to_string(kFormat) + ", the format that this version reads");
  file.at("benchmark").text();
  file.at("manifest").require(file.value().at("manifest").is_object(), "an object");
  file.at("notes").each(text);
  file.at("faults").each([](const Field& fault) {
    for (const char* name : {"file", "id", "message"}) {
      fault.at(name).text();
    }
    fault.at("row").count();
  });
  file.at("judges").each(check_judge);
  file.at("comparisons").each(check_comparison);
  if (file.has("sweep")) {
    check_sweep(file.at("sweep"));
  }
  file.at("shown").each(check_shown);
}

}  // namespace

void check_bench_file(std::string_view text) {
  try {
    check_json(text);
    const Json json = Json::parse(text);
    check_file(Field(json, ""));
  } catch (const InvalidInput& error) {
    throw InvalidInput(std::string("[check_bench_file] ") + error.what() +
                       ". Give the file that `endorm bench --json FILE` wrote.");
  }
}

}  // namespace endorm
