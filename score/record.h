#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "engine/engine.h"

namespace endorm {

// One response of a request; where steps are given, text is their concatenation.
struct RequestResponse {
  ResponseText text;
  std::vector<std::size_t> step_begins;  // byte offset in text.text where each step begins; empty: no steps given
  // The tokens that the model drew, where they are known: what is scored then, whatever the text says. It is for judges
  // that read words, and empty where tokens alone were given.
  std::optional<Tokens> ids = {};
  std::vector<bool> mask = {};  // [ids] which of them are the model's own; the others are context. Empty: all
  std::string refused = {};     // why it cannot be scored, whatever the others are
};

// One input record: a prompt and the responses to be scored.
struct Request {
  std::string id;                          // the record's own, or its line number
  std::size_t line = 0;                    // 1-based
  std::string key;                         // hex of the content hash of the line: what resume compares
  std::vector<Message> messages;           // the prompt, system message first; empty where tokens alone were given
  std::optional<Tokens> prompt_ids;        // the prompt as the model read it, for responses that are tokens
  std::string template_arguments;          // beside those of the run (TemplateOptions::arguments); empty: none
  bool raw = false;                        // it is one message, in the model's own form already, as the responses are:
                                           // Engine::tokenize_raw
  std::vector<RequestResponse> responses;  // at least one
  // How many of the assistant's turns at the end are scored, the response's included; none: as the run says.
  std::optional<std::size_t> scored_turns = {};
  bool chosen_first = false;              // came as "chosen"/"rejected": responses[0] is the chosen one
  std::vector<std::string> alternatives;  // system messages that a contrast takes in the place of its own; empty: none
  std::shared_ptr<const nlohmann::ordered_json> columns = {};  // the record's other fields, an object; null: none
};

// Token ids, or a mask of them, that were given beside a line of JSON; {"given": n} in it stands for the n-th.
struct GivenList {
  Tokens values;
  std::string fault = {};  // what is wrong with them, where they are none
};

// The names of a record's fields.
std::span<const std::string_view> record_fields();

// Reads one JSON line, in a layout of others (record_layout.h) or in ours:
// {"id"?, "system"?, "prompt": string or messages, "tools"?, "chat_template_kwargs"?,
// "response" | "responses" | "chosen"+"rejected" | "steps", "truncated"?, "alternatives"?: system messages,
// "score_turns"?: a number from 1}, or tokens:
// "prompt_ids" in place of "prompt", "response_ids" (with "response_mask"?) in place of "response", or lists of them.
// "messages" ending in an assistant turn is accepted in place of prompt + response, "question" in place of "prompt".
// "chosen" and "rejected" are strings or conversations that differ in their last turn alone (with "prompt", or sharing
// it). An entry of "responses" is a string, {"text" and/or "steps", "truncated"?}, {"ids", "mask"?}, or a message of
// the assistant. Steps are joined by step_separator, which belongs to the step before it. Message content is a string,
// a list of {"type": "text", "text"}, or null beside "tool_calls". A null field counts as absent. Unknown fields are
// appended once each to unknown_fields, as long as that has fewer than 64 entries; the record's own become columns. An
// empty response, and tokens that cannot be scored, are not refused here: a response's own fault is
// RequestResponse::refused. Throws InvalidInput naming the field and what was found. given: lists that stand beside the
// line; they are part of Request::key.
Request parse_request(std::string_view line, std::size_t line_number, std::string_view step_separator,
                      std::vector<std::string>& unknown_fields, std::span<const GivenList> given = {});

// The same of a record that is a JSON value already; its key is that of the value's text on one line.
Request read_request(nlohmann::ordered_json record, std::size_t line_number, std::string_view step_separator,
                     std::vector<std::string>& unknown_fields);

// The id of a line that parse_request refused, for its error row; none where it has none or cannot be read.
std::optional<std::string> record_id(std::string_view line);

}  // namespace endorm
