#include "eval/judged_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

double finite(double number) {
  if (!std::isfinite(number)) {
    throw InternalError("[judged_row] a number is " + std::to_string(number) +
                        ", which JSON cannot carry. The judge should have refused this response; please report it.");
  }
  return number;
}

json of_response(const JudgedResponse& response) {
  json fields = json::object();
  if (response.reward) {
    fields["reward"] = finite(*response.reward);
  } else {
    fields["error"] = response.error;
  }
  fields["characters"] = response.characters;
  if (response.tokens) {
    fields["tokens"] = *response.tokens;
  }
  if (!response.replies.empty()) {
    fields["replies"] = response.replies;
  }
  if (response.unparsed > 0) {
    fields["unparsed"] = response.unparsed;
  }
  for (const auto& [variant, scores] : response.step_scores) {
    for (const double score : scores) {
      fields["step_scores"][variant].push_back(finite(score));
    }
  }
  return fields;
}

json of_comparison(const JudgedComparison& judged) {
  json fields = {{"better", judged.comparison.better}, {"worse", judged.comparison.worse}};
  if (!judged.comparison.cell.empty()) {
    fields["cell"] = judged.comparison.cell;
  }
  if (judged.margin) {
    fields["margin"] = finite(*judged.margin);
  } else {
    fields["error"] = judged.error;
  }
  if (!judged.replies.empty()) {
    fields["replies"] = judged.replies;
  }
  if (judged.unparsed > 0) {
    fields["unparsed"] = judged.unparsed;
  }
  if (judged.inconsistent) {
    fields["inconsistent"] = true;
  }
  return fields;
}

json of_steps(const StepLabel& label) {
  json fields = {{"first_error", label.first_error ? json(*label.first_error) : json(nullptr)}};
  if (label.wrong) {
    fields["wrong"] = *label.wrong;
  }
  return fields;
}

std::vector<std::string> replies_of(const JsonField& fields) {
  std::vector<std::string> replies;
  if (const auto found = fields.find("replies")) {
    for (const JsonField& reply : found->list()) {
      replies.push_back(reply.text());
    }
  }
  return replies;
}

std::vector<bool> truths_of(const JsonField& list) {
  std::vector<bool> truths;
  for (const JsonField& truth : list.list("a list of true and false")) {
    truths.push_back(truth.truth());
  }
  return truths;
}

std::size_t count_or_zero(const JsonField& fields, const char* name) {
  return fields.has(name) ? fields.at(name).count() : 0;
}

JudgedResponse response_from(const JsonField& fields) {
  JudgedResponse response;
  if (fields.has("reward")) {
    response.reward = fields.at("reward").number();
  } else {
    response.error = fields.at("error").text();
  }
  response.characters = fields.at("characters").count();
  if (fields.has("tokens")) {
    response.tokens = fields.at("tokens").count();
  }
  response.replies = replies_of(fields);
  response.unparsed = count_or_zero(fields, "unparsed");
  if (const auto variants = fields.find("step_scores")) {
    for (const auto& [variant, scores] : variants->object().value().items()) {
      std::vector<double>& own = response.step_scores[variant];
      for (const JsonField& score : JsonField(scores, variants->name() + "." + variant).list()) {
        own.push_back(score.number());
      }
    }
  }
  return response;
}

JudgedComparison comparison_from(const JsonField& fields) {
  JudgedComparison judged;
  judged.comparison.better = fields.at("better").count();
  judged.comparison.worse = fields.at("worse").count();
  judged.comparison.cell = fields.has("cell") ? fields.at("cell").text() : "";
  if (fields.has("margin")) {
    judged.margin = fields.at("margin").number();
  } else {
    judged.error = fields.at("error").text();
  }
  judged.replies = replies_of(fields);
  judged.unparsed = count_or_zero(fields, "unparsed");
  judged.inconsistent = fields.has("inconsistent") && fields.at("inconsistent").truth();
  return judged;
}

StepLabel steps_from(const JsonField& fields) {
  StepLabel label;
  const json& object = fields.object().value();
  if (!object.contains("first_error") || !object.at("first_error").is_null()) {  // null: none
    label.first_error = fields.at("first_error").count();
  }
  if (fields.has("wrong")) {
    label.wrong = truths_of(fields.at("wrong"));
  }
  return label;
}

}  // namespace

json judged_json(const JudgedExample& judged) {
  json row = {{"id", judged.id}, {"key", judged.key}, {"subset", judged.subset}, {"group", judged.group}};
  if (!judged.subject.empty()) {
    row["subject"] = judged.subject;
  }
  if (!judged.level.empty()) {
    row["level"] = judged.level;
  }
  row["responses"] = json::array();
  for (const JudgedResponse& response : judged.responses) {
    row["responses"].push_back(of_response(response));
  }
  for (const JudgedComparison& comparison : judged.comparisons) {
    row["comparisons"].push_back(of_comparison(comparison));
  }
  if (!judged.correct.empty()) {
    row["correct"] = judged.correct;
  }
  for (const std::optional<std::size_t>& vote : judged.vote) {
    row["vote"].push_back(vote ? json(*vote) : json(nullptr));
  }
  if (judged.steps) {
    row["steps"] = of_steps(*judged.steps);
  }
  return row;
}

JudgedExample judged_from(const JsonField& row) {
  JudgedExample judged;
  judged.id = row.at("id").text();
  judged.key = row.at("key").text();
  judged.subset = row.at("subset").text();
  judged.subject = row.has("subject") ? row.at("subject").text() : "";
  judged.level = row.has("level") ? row.at("level").text() : "";
  judged.group = row.at("group").text();
  for (const JsonField& fields : row.at("responses").list()) {
    judged.responses.push_back(response_from(fields));
  }
  if (const auto comparisons = row.find("comparisons")) {
    for (const JsonField& fields : comparisons->list()) {
      judged.comparisons.push_back(comparison_from(fields));
    }
  }
  if (row.has("correct")) {
    judged.correct = truths_of(row.at("correct"));
  }
  if (const auto votes = row.find("vote")) {
    for (const JsonField& vote : votes->list()) {
      judged.vote.push_back(vote.value().is_null() ? std::nullopt : std::optional(vote.count()));
    }
  }
  if (row.has("steps")) {
    judged.steps = steps_from(row.at("steps"));
  }
  return judged;
}

std::string judged_row(const JudgedExample& judged) {
  // A reply of a model may end within a character.
  return judged_json(judged).dump(-1, ' ', false, json::error_handler_t::replace);
}

JudgedExample read_judged_row(std::string_view line) {
  try {
    const json row = parse_object(line);
    return judged_from(JsonField(row));
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_judged_row] \"" + excerpt(line) + "\" is no row of a judge: " + error.what());
  } catch (const json::exception& error) {  // a number beyond the range of a double
    throw InvalidInput("[read_judged_row] \"" + excerpt(line) + "\" is no row of a judge: " + error.what());
  }
}

}  // namespace endorm
