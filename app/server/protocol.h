#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "score/endogenous_scorer.h"
#include "score/record.h"
#include "score/scored.h"

namespace endorm {

using Json = nlohmann::ordered_json;

// What protocols need to know of the server.
struct ProtocolContext {
  std::string model;         // the name that replies carry
  std::string turn_opening;  // what stands in templated text before a model's answer; empty: not known
  ScoreOptions options;      // where a request says nothing else
  std::string version;
  std::string id;            // of this request, which replies carry
  std::int64_t created = 0;  // seconds since 1970
};

// What a body asks for, and how what comes of it is told.
struct Asked {
  std::vector<Request> requests;  // scored together
  ScoreOptions options;
  // The reply's body. Throws InvalidInput, naming the place, where a response that the protocol must give a number
  // could not be scored.
  std::function<Json(std::span<const Scored>)> reply;
  // Where set, the reply is a stream of lines, one a request as it is scored, in their order.
  std::function<std::string(std::size_t request, const Scored&)> line;
};

// Reads a body of one protocol. Throws InvalidInput, naming the field, on a body that is not of it.
using Protocol = Asked (*)(const Json& body, const ProtocolContext& context);

// One of what reward clients speak; schemas.json says what its bodies are.
struct ProtocolRoute {
  const char* path;
  Protocol read;
};
// Every route, each path once.
std::span<const ProtocolRoute> protocol_routes();

// A field that must be there. Throws InvalidInput naming it and what stands in its place.
const Json& field(const Json& body, const char* name);
const std::string& text_field(const Json& body, const char* name);
// A text or a list of texts, as a list. Throws InvalidInput on anything else, and on an empty list.
std::vector<std::string> texts_field(const Json& body, const char* name);
// What it says, or `otherwise` where it is absent or null. Throws InvalidInput on anything but true and false.
bool flag_field(const Json& body, const char* name, bool otherwise);
// None where it is absent or null.
const Json* optional_field(const Json& body, const char* name);

// A request of one response. raw: both are in the model's own form already.
Request pair_request(std::string prompt, std::string response, bool raw);
// Messages of {"role", "content"}, and the response to them. Throws InvalidInput.
Request message_request(const Json& messages, std::string response);
// A whole conversation in the model's own form, cut where the last answer begins. Throws InvalidInput where it has
// none.
Request templated_request(const std::string& text, const ProtocolContext& context, const std::string& name);

// The reward of the only response of a request. Throws InvalidInput with its place where there is none.
double only_reward(const Scored& scored, std::size_t place);
std::vector<double> only_rewards(std::span<const Scored> scored);
// Tokens of all prompts and responses cannot be told apart here: those of the responses, for "usage".
Json usage(std::span<const Scored> scored);

}  // namespace endorm
