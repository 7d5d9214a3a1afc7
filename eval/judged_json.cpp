#include "eval/judged_json.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/told_fields.h"

namespace endorm {
void read_into(const JsonField& field, std::map<std::string, std::vector<double>>& scores) {
  for (const auto& [variant, held] : field.object().value().items()) {
    read_into(JsonField(held, field.name() + "." + variant), scores[variant]);
  }
}

void tell(auto& fields, MaybeConst<JudgedResponse> auto& response) {
  fields.either("reward", response.reward, "error", response.error);
  fields.always("characters", response.characters);
  fields.unless_empty("tokens", response.tokens);
  fields.unless_empty("replies", response.replies);
  fields.unless_empty("unparsed", response.unparsed);
  fields.unless_empty("step_scores", response.step_scores);
}

void tell(auto& fields, MaybeConst<JudgedComparison> auto& judged) {
  fields.always("better", judged.comparison.better);
  fields.always("worse", judged.comparison.worse);
  fields.unless_empty("cell", judged.comparison.cell);
  fields.either("margin", judged.margin, "error", judged.error);
  fields.unless_empty("replies", judged.replies);
  fields.unless_empty("unparsed", judged.unparsed);
  fields.unless_empty("inconsistent", judged.inconsistent);
}

void tell(auto& fields, MaybeConst<StepLabel> auto& label) {
  fields.always("first_error", label.first_error);
  fields.unless_empty("wrong", label.wrong);
}

void tell(auto& fields, MaybeConst<JudgedExample> auto& judged) {
  fields.always("id", judged.id);
  fields.always("key", judged.key);
  fields.always("subset", judged.subset);
  fields.always("group", judged.group);
  fields.unless_empty("subject", judged.subject);
  fields.unless_empty("level", judged.level);
  fields.always("responses", judged.responses);
  fields.unless_empty("comparisons", judged.comparisons);
  fields.unless_empty("correct", judged.correct);
  fields.unless_empty("vote", judged.vote);
  fields.unless_empty("steps", judged.steps);
}

namespace {

using json = nlohmann::ordered_json;

}  // namespace

json judged_json(const JudgedExample& judged) {
  json row = judged;
  check_finite(row, "judged_row");
  return row;
}

JudgedExample judged_from(const JsonField& row) {
  JudgedExample judged;
  read_into(row, judged);
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
