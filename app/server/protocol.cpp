#include "app/server/protocol.h"

#include <cmath>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

[[noreturn]] void wrong(const char* name, const Json& found, const char* wanted) {
  throw InvalidInput("\"" + std::string(name) + "\" is a JSON " + found.type_name() + ", expected " + wanted + ".");
}

}  // namespace

const Json* optional_field(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

const Json& field(const Json& body, const char* name) {
  const Json* found = optional_field(body, name);
  if (!found) {
    throw InvalidInput("there is no \"" + std::string(name) + "\".");
  }
  return *found;
}

const std::string& text_field(const Json& body, const char* name) {
  const Json& found = field(body, name);
  if (!found.is_string()) {
    wrong(name, found, "a string");
  }
  return found.get_ref<const std::string&>();
}

std::vector<std::string> texts_field(const Json& body, const char* name) {
  const Json& found = field(body, name);
  if (found.is_string()) {
    return {found.get<std::string>()};
  }
  if (!found.is_array() || found.empty()) {
    wrong(name, found, "a string or a list of strings that is not empty");
  }
  std::vector<std::string> texts;
  for (const Json& text : found) {
    if (!text.is_string()) {
      wrong((std::string(name) + "[" + std::to_string(texts.size()) + "]").c_str(), text, "a string");
    }
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

bool flag_field(const Json& body, const char* name, bool otherwise) {
  const Json* found = optional_field(body, name);
  if (found && !found->is_boolean()) {
    wrong(name, *found, "true or false");
  }
  return found ? found->get<bool>() : otherwise;
}

Request pair_request(std::string prompt, std::string response, bool raw) {
  Request request;
  request.messages = {{"user", std::move(prompt)}};
  request.responses.push_back({ResponseText{std::move(response), false}, {}});
  request.raw = raw;
  return request;
}

Request message_request(const Json& messages, std::string response) {
  const Json record = {{"prompt", messages}, {"response", std::move(response)}};
  std::vector<std::string> unknown;
  return parse_request(record.dump(), 1, "\n\n", unknown);
}

Request templated_request(const std::string& text, const ProtocolContext& context, const std::string& name) {
  if (context.turn_opening.empty()) {
    throw InvalidInput("\"" + name +
                       "\" is one text, and where the response begins in it is not known: this model has no chat "
                       "template. Start the server with --turn-opening, or send prompt and response apart.");
  }
  const std::size_t opening = text.rfind(context.turn_opening);
  if (opening == std::string::npos) {
    throw InvalidInput("\"" + name + "\" does not hold the model's turn, which begins with " +
                       Json(context.turn_opening).dump() +
                       ". Apply the model's chat template, or send prompt and response apart.");
  }
  const std::size_t begin = opening + context.turn_opening.size();
  return pair_request(text.substr(0, begin), text.substr(begin), /*raw=*/true);
}

double only_reward(const Scored& scored, std::size_t place) {
  const ScoredOutcome& outcome = scored.responses.front();
  if (!outcome.scored) {
    throw InvalidInput("response " + std::to_string(place) + ": " + outcome.error);
  }
  if (!std::isfinite(outcome.scored->reward)) {
    throw InvalidInput("response " + std::to_string(place) + " has probability 0: the model masks one of its tokens.");
  }
  return outcome.scored->reward;
}

std::vector<double> only_rewards(std::span<const Scored> scored) {
  std::vector<double> rewards;
  for (const Scored& one : scored) {
    rewards.push_back(only_reward(one, rewards.size()));
  }
  return rewards;
}

Json usage(std::span<const Scored> scored) {
  std::size_t tokens = 0;
  for (const Scored& one : scored) {
    for (const ScoredOutcome& outcome : one.responses) {
      tokens += outcome.scored ? outcome.scored->token_ids.size() : 0;
    }
  }
  return {{"prompt_tokens", tokens}, {"total_tokens", tokens}, {"completion_tokens", 0}};
}

}  // namespace endorm
