#include "app/server/openapi.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "app/server/page_files.h"
#include "core/errors.h"
#include "score/score_options.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

Json in_json(const Json& schema) { return {{"application/json", {{"schema", schema}}}}; }

// Of a number within a range. A border that is whole is written so.
Json in_range(Json schema, const OptionRange& range) {
  const auto border = [](double number) {
    return number == std::trunc(number) ? Json(static_cast<std::int64_t>(number)) : Json(number);
  };
  if (std::isfinite(range.least)) {
    schema[range.open ? "exclusiveMinimum" : "minimum"] = border(range.least);
  }
  if (std::isfinite(range.most)) {
    schema["maximum"] = border(range.most);
  }
  return schema;
}

Json schema_of(const OptionFacts& facts) {
  switch (facts.kind) {
    case OptionKind::kSwitch:
      return {{"type", "boolean"}};
    case OptionKind::kWhole:
      return in_range({{"type", "integer"}}, facts.range);
    case OptionKind::kNumber:
      return in_range({{"type", "number"}}, facts.range);
    case OptionKind::kText:
      return {{"type", "string"}};
    case OptionKind::kChoice:
      return {{"enum", facts.choices}};
    case OptionKind::kObject:
      return {{"type", "object"}};
    case OptionKind::kTexts:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case OptionKind::kNumbers:
      return {
          {"type", "array"}, {"maxItems", kMostOptionNumbers}, {"items", in_range({{"type", "number"}}, facts.range)}};
  }
  throw InternalError("[openapi] option " + std::string(facts.name) + " is of no kind");
}

// "options" of POST /v1/rewards: the table's, and before them what the schema has.
void add_options(Json& properties) {
  for (const Option<RewardOptions>& option : reward_options()) {
    if (option.in_request) {
      Json& schema = properties[std::string(option.name)] = schema_of(option);
      schema["description"] = option.help;
    }
  }
}

// A field that is null is a field that is not there (protocol.h, optional_field): says so of all that need not be.
void let_optional_be_null(Json& schema) {
  for (auto& [name, part] : schema.items()) {
    if (part.is_structured() && name != "required" && name != "enum" && name != "type") {
      let_optional_be_null(part);
    }
  }
  if (!schema.is_object() || !schema.contains("properties")) {
    return;
  }
  const Json required = schema.value("required", Json::array());
  for (auto& [name, field] : schema["properties"].items()) {
    if (!field.empty() && std::find(required.begin(), required.end(), name) == required.end()) {
      field = {{"anyOf", {field, {{"type", "null"}}}}};
    }
  }
}

Json failures() {
  Json replies = Json::object();
  const Json body = in_json({{"$ref", "#/components/schemas/error"}});
  for (const auto& [status, what] :
       {std::pair{"400", "The body is not what the route takes, or a response cannot be scored"},
        {"401", "The API key is missing or wrong"},
        {"404", "There is no such model"},
        {"413", "The body is too large"},
        {"429", "Too much waits already: come again after Retry-After seconds"},
        {"500", "A defect of the server"},
        {"503", "The model fails, or the server is stopping"},
        {"504", "Not answered in time"}}) {
    replies[status] = {{"description", what}, {"content", body}};
  }
  return replies;
}

Json post(const std::string& path, const Json& route) {
  Json replies = failures();
  const Json own = route.value("failures", Json::object());
  for (const auto& [status, what] : own.items()) {
    replies[status] = {{"description", what}, {"content", replies["400"]["content"]}};
  }
  Json content = in_json(route.at("response"));
  if (path == "/v1/rewards") {
    content["application/x-ndjson"] = {{"schema", {{"type", "string"}}}};
  }
  replies["200"] = {{"description", "Done"}, {"content", std::move(content)}};
  Json request = route.at("request");
  let_optional_be_null(request);
  Json body = in_json(request);
  if (route.contains("example")) {
    body["application/json"]["example"] = route["example"];
  }
  return {{"post",
           {{"summary", route.at("summary")},
            {"requestBody", {{"required", true}, {"content", std::move(body)}}},
            {"responses", std::move(replies)}}}};
}

Json get(const char* summary, const char* type) {
  return {{"get",
           {{"summary", summary},
            {"responses",
             {{"200", {{"description", "Done"}, {"content", {{type, Json::object()}}}}},
              {"401", failures()["401"]},
              {"503", failures()["503"]}}}}}};
}

}  // namespace

std::string openapi(const std::string& version, bool asks_for_key) {
  Json schemas = Json::parse(schemas_json);
  add_options(schemas["definitions"]["options"]["properties"]);
  for (const char* asked : {"options", "record", "response", "message"}) {
    let_optional_be_null(schemas["definitions"][asked]);
  }
  const Json& routes = schemas.at("routes");
  Json paths = Json::object();
  for (const auto& [path, route] : routes.items()) {
    paths[path] = post(path, route.contains("as") ? routes.at(route["as"].get<std::string>()) : route);
  }
  paths["/health"] = get("Whether the server takes requests", "application/json");
  paths["/ready"] = get("Whether the model is there and its queue moves", "application/json");
  paths["/v1/models"] = get("The models", "application/json");
  Json& of_model = paths["/v1/models/{id}"] = get("One model", "application/json");
  of_model["get"]["responses"]["404"] = failures()["404"];
  of_model["get"]["parameters"] = Json::array(
      {{{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"minLength", 1}}}}});
  paths["/props"] = get("llama-server's properties, as far as clients read them", "application/json");
  paths["/tokenizer_info"] =
      get("Special tokens and chat template, for tokenizers that ask a server", "application/json");
  paths["/reverify_mode"] = get("NeMo Gym: rollouts can be verified again", "application/json");
  paths["/metrics"] = get("Counters, in Prometheus' text format", "text/plain");
  Json document = {{"openapi", "3.1.0"},
                   {"info",
                    {{"title", "EndoRM"},
                     {"version", version},
                     {"description",
                      "Rewards read from a language model's own logits, in every protocol of reward "
                      "clients. Rewards are in nats, higher is better."}}},
                   {"paths", std::move(paths)},
                   {"components", {{"schemas", schemas.at("definitions")}}}};
  if (asks_for_key) {
    document["components"]["securitySchemes"] = {{"key", {{"type", "http"}, {"scheme", "bearer"}}}};
    document["security"] = Json::array({{{"key", Json::array()}}});
  }
  return document.dump(2);
}

}  // namespace endorm
