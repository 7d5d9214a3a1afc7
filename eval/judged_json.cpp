#include "eval/judged_json.h"

#include <cmath>
#include <type_traits>

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

// Throws InvalidInput naming the field where it is absent or of another type.
template <typename Value>
Value value_of(const json& fields, const char* name) {
  try {
    const json& found = fields.at(name);
    if (std::is_same_v<Value, std::size_t> && !found.is_number_unsigned()) {
      throw InvalidInput("\"" + std::string(name) + "\" is " + excerpt(found.dump()) +
                         ", expected a whole number from 0");
    }
    return found.get<Value>();
  } catch (const json::exception& error) {
    throw InvalidInput("\"" + std::string(name) + "\": " + error.what());
  }
}

template <typename Value>
Value value_or(const json& fields, const char* name, Value absent) {
  return fields.contains(name) ? value_of<Value>(fields, name) : absent;
}

JudgedResponse response_from(const json& fields) {
  JudgedResponse response;
  if (fields.contains("reward")) {
    response.reward = value_of<double>(fields, "reward");
  } else {
    response.error = value_of<std::string>(fields, "error");
  }
  response.characters = value_of<std::size_t>(fields, "characters");
  if (fields.contains("tokens")) {
    response.tokens = value_of<std::size_t>(fields, "tokens");
  }
  response.replies = value_or<std::vector<std::string>>(fields, "replies", {});
  response.unparsed = value_or<std::size_t>(fields, "unparsed", 0);
  response.step_scores = value_or<std::map<std::string, std::vector<double>>>(fields, "step_scores", {});
  return response;
}

JudgedComparison comparison_from(const json& fields) {
  JudgedComparison judged;
  judged.comparison.better = value_of<std::size_t>(fields, "better");
  judged.comparison.worse = value_of<std::size_t>(fields, "worse");
  judged.comparison.cell = value_or<std::string>(fields, "cell", "");
  if (fields.contains("margin")) {
    judged.margin = value_of<double>(fields, "margin");
  } else {
    judged.error = value_of<std::string>(fields, "error");
  }
  judged.replies = value_or<std::vector<std::string>>(fields, "replies", {});
  judged.unparsed = value_or<std::size_t>(fields, "unparsed", 0);
  judged.inconsistent = value_or(fields, "inconsistent", false);
  return judged;
}

StepLabel steps_from(const json& fields) {
  StepLabel label;
  if (!value_of<json>(fields, "first_error").is_null()) {
    label.first_error = value_of<std::size_t>(fields, "first_error");
  }
  if (fields.contains("wrong")) {
    label.wrong = value_of<std::vector<bool>>(fields, "wrong");
  }
  return label;
}

}  // namespace

json judged_json(const JudgedExample& judged) {
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
  return row;
}

JudgedExample judged_from(const json& row) {
  JudgedExample judged;
  judged.id = value_of<std::string>(row, "id");
  judged.key = value_of<std::string>(row, "key");
  judged.subset = value_of<std::string>(row, "subset");
  judged.group = value_of<std::string>(row, "group");
  for (const json& fields : value_of<std::vector<json>>(row, "responses")) {
    judged.responses.push_back(response_from(fields));
  }
  for (const json& fields : value_or<std::vector<json>>(row, "comparisons", {})) {
    judged.comparisons.push_back(comparison_from(fields));
  }
  judged.correct = value_or<std::vector<bool>>(row, "correct", {});
  if (row.contains("steps")) {
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
    check_json(line);
    return judged_from(json::parse(line));
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_judged_row] \"" + excerpt(line) + "\" is no row of a judge: " + error.what());
  } catch (const json::exception& error) {  // a number beyond the range of a double
    throw InvalidInput("[read_judged_row] \"" + excerpt(line) + "\" is no row of a judge: " + error.what());
  }
}

}  // namespace endorm
