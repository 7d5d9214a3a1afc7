#include "app/server/openapi.h"

#include <nlohmann/json.hpp>

#include "app/server/page_files.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

Json in_json(const Json& schema) { return {{"application/json", {{"schema", schema}}}}; }

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
  Json content = in_json(route.at("response"));
  if (path == "/v1/rewards") {
    content["application/x-ndjson"] = {{"schema", {{"type", "string"}}}};
  }
  replies["200"] = {{"description", "Done"}, {"content", std::move(content)}};
  Json body = in_json(route.at("request"));
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
  const Json schemas = Json::parse(schema_file);
  const Json& routes = schemas.at("routes");
  Json paths = Json::object();
  for (const auto& [path, route] : routes.items()) {
    paths[path] = post(path, route.contains("as") ? routes.at(route["as"].get<std::string>()) : route);
  }
  paths["/health"] = get("Whether the server takes requests", "application/json");
  paths["/v1/models"] = get("The models", "application/json");
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
