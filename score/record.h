#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// One response of a request; where steps are given, text is their concatenation.
struct RequestResponse {
  ResponseText text;
  std::vector<std::size_t> step_begins;  // byte offset in text.text where each step begins; empty: no steps given
};

// One input record: a prompt and the responses to be scored.
struct Request {
  std::string id;                          // the record's own, or its line number
  std::size_t line = 0;                    // 1-based
  std::string key;                         // hex of the content hash of the line: what resume compares
  std::vector<Message> messages;           // the prompt, system message first
  bool raw = false;                        // it is one message, in the model's own form already, as the responses are:
                                           // Engine::tokenize_raw
  std::vector<RequestResponse> responses;  // at least one
  bool chosen_first = false;               // came as "chosen"/"rejected": responses[0] is the chosen one
  std::vector<std::string> alternatives;   // system messages that a contrast takes in the place of its own; empty: none
};

// Reads one JSON line:
// {"id"?, "system"?, "prompt": string or messages, "response" | "responses" | "chosen"+"rejected" | "steps",
// "truncated"?, "alternatives"?: system messages}. "messages" ending in an assistant turn is accepted in place of
// prompt + response, "question" in place of "prompt". "chosen" and "rejected" are strings or conversations that differ
// in their last turn alone (with "prompt", or sharing it). An entry of "responses" is a string or {"text" and/or
// "steps", "truncated"?}. Steps are joined by step_separator, which belongs to the step before it. Message content is a
// string or a list of {"type": "text", "text"}. A null field counts as absent. Unknown fields are appended once each to
// unknown_fields, as long as that has fewer than 64 entries. An empty response is not refused here. Throws InvalidInput
// naming the field and what was found.
Request parse_request(std::string_view line, std::size_t line_number, std::string_view step_separator,
                      std::vector<std::string>& unknown_fields);

// The id of a line that parse_request refused, for its error row; none where it has none or cannot be read.
std::optional<std::string> record_id(std::string_view line);

}  // namespace endorm
