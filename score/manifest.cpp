#include "score/manifest.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

double finite(double number, const char* name) {
  if (!std::isfinite(number)) {
    throw InternalError(std::string("[options_part] \"") + name + "\" is " + std::to_string(number) +
                        ", which JSON cannot carry. Please report it.");
  }
  return number;
}

Json shard_or_null(const std::string& shard) { return shard.empty() ? Json() : Json(shard); }

Json arguments_of(const TemplateOptions& options) {
  return options.arguments.empty() ? Json::object() : Json::parse(options.arguments);
}

}  // namespace

Json model_part(const ModelFacts& model) {
  Json part = {{"name", model.name}};
  if (model.file) {
    part["file"] = *model.file;
  }
  part["sha256"] = model.sha256;
  part["arithmetic"] = model.arithmetic;
  part["fingerprint"] = model.fingerprint;
  return part;
}

Json judge_part(const std::string& name, const std::string& fingerprint) {
  return {{"name", name}, {"fingerprint", fingerprint}};
}

Json prompt_template_part(const std::string& fingerprint, const TemplateOptions& options) {
  return {{"fingerprint", fingerprint}, {"date", options.date}, {"arguments", arguments_of(options)}};
}

Json template_part(const std::string& fingerprint, const TemplateOptions& options) {
  return {{"fingerprint", fingerprint},
          {"end_of_turn", options.end_of_turn},
          {"template_newline", options.template_newline},
          {"response_is", reading_name(options.reading)},
          {"date", options.date},
          {"arguments", arguments_of(options)}};
}

Json options_part(const ScoreOptions& options, const RowOptions& rows, std::size_t context, const std::string& shard) {
  const AggregateOptions& aggregate = options.aggregate;
  return {{"alpha", finite(options.alpha, "alpha")},
          {"aggregation", aggregation_name(aggregate.kind)},
          {"gamma", finite(aggregate.gamma, "gamma")},
          {"floor", finite(aggregate.floor, "floor")},
          {"chunk", aggregate.chunk},
          {"last_k", aggregate.last_k},
          {"initial_value", aggregate.initial_value},
          {"step_separator", options.step_separator},
          {"score_turns", scored_turns_name(options.turns)},
          {"on_overflow", overflow_name(options.overflow)},
          {"context", context},
          {"share_prefixes", options.share_prefixes},
          {"shard", shard_or_null(shard)},
          {"tokens", rows.tokens},
          {"steps", rows.steps}};
}

Json prompt_options_part(std::size_t context, const std::string& shard) {
  return {{"context", context}, {"shard", shard_or_null(shard)}};
}

std::string manifest_line(const Json& manifest) {
  try {
    return Json{{"manifest", manifest}}.dump();
  } catch (const Json::type_error& error) {
    throw InternalError(std::string("[manifest_line] a text is not valid UTF-8 (") + error.what() +
                        "). Please report it.");
  }
}

}  // namespace endorm
