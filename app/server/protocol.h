#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/server/turn_cut.h"
#include "score/endogenous_scorer.h"
#include "score/record.h"
#include "score/scored.h"

namespace endorm {

using Json = nlohmann::ordered_json;

// What protocols need to know of the server.
struct ProtocolContext {
  std::string model;                                                             // the name that replies carry
  std::shared_ptr<const TurnMarks> marks = std::make_shared<const TurnMarks>();  // what tells turns apart in texts
  TurnCut cut = TurnCut::kTurn;                                                  // where a request says nothing else
  ScoreOptions options;                                                          // likewise
  std::string version;
  std::string id;                                        // of this request, which replies carry
  std::int64_t created = 0;                              // seconds since 1970
  std::function<void(TextNote)> note = [](TextNote) {};  // takes what is worth telling of a text of the request
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
// What messages call an element of a list: "inputs[3]".
std::string element(const std::string& list, std::size_t index);
// A text or a list of texts, as a list. Throws InvalidInput on anything else, and on an empty list.
std::vector<std::string> texts_field(const Json& body, const char* name);
// What it says, or `otherwise` where it is absent or null. Throws InvalidInput on anything but true and false.
bool flag_field(const Json& body, const char* name, bool otherwise);
// None where it is absent or null.
const Json* optional_field(const Json& body, const char* name);

// A request of one response. raw: both are in the model's own form already.
Request pair_request(std::string prompt, std::string response, bool raw);
// The same of text in the model's own form. Throws InvalidInput where the prompt, called `name`, is in another's.
Request raw_request(std::string prompt, std::string response, const ProtocolContext& context, const std::string& name);
// One record, with "tools" and "chat_template_kwargs" of the body where it has them. Throws InvalidInput.
Request record_request(Json record, const Json& body);
// The context with the cut that "turn_cut" of a body says. Throws InvalidInput.
ProtocolContext with_turn_cut(const ProtocolContext& context, const Json& body);
// A whole conversation in the model's own form, cut as the context says. Throws InvalidInput where it holds
// no turn of the model.
Request templated_request(const std::string& text, const ProtocolContext& context, const std::string& name);
// The same of token ids, which letters cannot spell.
Request templated_request(const Tokens& ids, const ProtocolContext& context, const std::string& name);

// Tells of responses that end as another family's model ends a turn.
void note_foreign_ends(std::span<const Request> requests, const ProtocolContext& context);
// Tells of responses that spell the end of their turn. In text that is in the model's own form all that are finished
// do: it is told of the others.
void note_spelled_ends(std::span<const Scored> scored, const ProtocolContext& context);

// The reward of the only response of a request. Throws InvalidInput with its place where there is none.
double only_reward(const Scored& scored, std::size_t place);
std::vector<double> only_rewards(std::span<const Scored> scored);
// Tokens of all prompts and responses cannot be told apart here: those of the responses, for "usage".
Json usage(std::span<const Scored> scored);

}  // namespace endorm
