#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "judge/judge.h"

namespace endorm {

// A request with these responses, its key made of its id.
inline Request request_of(std::string id, std::vector<Message> messages, const std::vector<std::string>& responses) {
  Request request;
  request.id = std::move(id);
  request.key = "key of " + request.id;
  request.messages = std::move(messages);
  for (const std::string& text : responses) {
    request.responses.push_back({{text, false}, {}});
  }
  return request;
}

inline const ScoredResponse& scored_of(const Scored& scored, std::size_t response) {
  INFO("response ", response, ": ", scored.responses.at(response).error);
  REQUIRE(scored.responses[response].scored.has_value());
  return *scored.responses[response].scored;
}

// What the words of an error must contain.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace endorm
