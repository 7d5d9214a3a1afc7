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

template <typename Value>
Value value_or(const json& fields, const char* name, Value absent) {
  return fields.contains(name) ? fields.at(name).get<Value>() : absent;
}

JudgedResponse response_from(const json& fields) {
  JudgedResponse response;
  if (fields.contains("reward")) {
    response.reward = fields.at("reward").get<double>();
  } else {
    fields.at("error").get_to(response.error);
  }
  fields.at("characters").get_to(response.characters);
  if (fields.contains("tokens")) {
    response.tokens = fields.at("tokens").get<std::size_t>();
  }
  response.replies = value_or<std::vector<std::string>>(fields, "replies", {});
  response.unparsed = value_or<std::size_t>(fields, "unparsed", 0);
  if (fields.contains("step_scores")) {
    for (const auto& [variant, scores] : fields.at("step_scores").items()) {
      response.step_scores[variant] = scores.get<std::vector<double>>();
    }
  }
  return response;
}

JudgedComparison comparison_from(const json& fields) {
  JudgedComparison judged;
  fields.at("better").get_to(judged.comparison.better);
  fields.at("worse").get_to(judged.comparison.worse);
  judged.comparison.cell = value_or<std::string>(fields, "cell", "");
  if (fields.contains("margin")) {
    judged.margin = fields.at("margin").get<double>();
  } else {
    fields.at("error").get_to(judged.error);
  }
  judged.replies = value_or<std::vector<std::string>>(fields, "replies", {});
  judged.unparsed = value_or<std::size_t>(fields, "unparsed", 0);
  judged.inconsistent = value_or(fields, "inconsistent", false);
  return judged;
}

StepLabel steps_from(const json& fields) {
  StepLabel label;
  if (!fields.at("first_error").is_null()) {
    label.first_error = fields.at("first_error").get<std::size_t>();
  }
  if (fields.contains("wrong")) {
    label.wrong = fields.at("wrong").get<std::vector<bool>>();
  }
  return label;
}

}  // namespace

std::string judged_row(const JudgedExample& judged) {
  json row = {{"id", judged.id}, {"key", judged.key}, {"subset", judged.subset}, {"group", judged.group}};
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
  if (judged.steps) {
    row["steps"] = of_steps(*judged.steps);
  }
  // A reply of a model may end within a character.
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

JudgedExample read_judged_row(std::string_view line) {
  check_json(line);
  try {
    const json row = json::parse(line);
    JudgedExample judged;
    row.at("id").get_to(judged.id);
    row.at("key").get_to(judged.key);
    row.at("subset").get_to(judged.subset);
    row.at("group").get_to(judged.group);
    for (const json& fields : row.at("responses")) {
      judged.responses.push_back(response_from(fields));
    }
    if (row.contains("comparisons")) {
      for (const json& fields : row.at("comparisons")) {
        judged.comparisons.push_back(comparison_from(fields));
      }
    }
    judged.correct = value_or<std::vector<bool>>(row, "correct", {});
    if (row.contains("steps")) {
      judged.steps = steps_from(row.at("steps"));
    }
    return judged;
  } catch (const json::exception& error) {
    throw InvalidInput("[read_judged_row] \"" + excerpt(line) + "\" is no row of a judge: " + error.what());
  }
}

}  // namespace endorm
