// Files of one's own: the records that `score` reads, with a label.
#include <algorithm>

#include "core/errors.h"
#include "eval/best_of_record.h"
#include "eval/row_reader.h"
#include "score/record.h"

namespace endorm {
namespace {

// The record's prompt and responses, with the subset and group that it names.
Example record_example(const SourceRow& source) {
  std::vector<std::string> unknown;
  Example example;
  example.request = parse_request(source.text, source.number, source.options.step_separator, unknown);
  if (!source.row.has("id")) {
    example.request.id = source.part + "/" + std::to_string(source.number);
  }
  example.subset = source.row.has("subset") ? source.row.at("subset").text_or_integer() : source.part;
  example.group = source.row.has("group") ? source.row.at("group").text_or_integer() : example.request.id;
  return example;
}

StepLabel step_label(const JsonField& row) {
  if (!row.has("wrong")) {
    return first_error_label(row);
  }
  StepLabel label{.first_error = std::nullopt, .wrong = row.at("wrong").truths()};
  const auto first = std::find(label.wrong->begin(), label.wrong->end(), true);
  if (first != label.wrong->end()) {
    label.first_error = static_cast<std::size_t>(first - label.wrong->begin());
  }
  return label;
}

}  // namespace

std::vector<Example> read_pair(const SourceRow& source) {
  Example example = record_example(source);
  if (!example.request.chosen_first) {
    throw InvalidInput("there is no pair. Give \"chosen\" and \"rejected\".");
  }
  example.comparisons.push_back({.better = 0, .worse = 1, .cell = {}});
  return {std::move(example)};
}

std::vector<Example> read_best_of(const SourceRow& source) {
  if (source.row.has("error")) {
    throw InvalidInput("it was not answered: " + source.row.at("error").text());
  }
  Example example = record_example(source);
  if (example.request.responses.size() < 2) {
    throw InvalidInput("there is one response. Give at least two in \"responses\".");
  }
  source.row.at("correct").truths();  // at least one
  read_best_of_labels(source.row, example);
  return {std::move(example)};
}

std::vector<Example> read_steps(const SourceRow& source) {
  Example example = record_example(source);
  if (example.request.responses.size() != 1 || example.request.responses.front().step_begins.empty()) {
    throw InvalidInput("there is no solution in steps. Give \"steps\", a list of strings.");
  }
  example.steps = step_label(source.row);
  return {std::move(example)};
}

}  // namespace endorm
