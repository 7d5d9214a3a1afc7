#pragma once

#include <array>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "engine/medium.h"

namespace endorm {

// One turn of a conversation.
struct Message {
  std::string role;  // "system", "user", "assistant", "tool", ...
  std::string content;
  // What else it holds (tool_calls, reasoning_content, name, ...; "content": null where there is none), as the text of
  // a JSON object: templates read these by name. Empty: nothing.
  std::string fields = {};
  std::vector<PlacedMedium> media = {};  // in the content, in order

  bool operator==(const Message&) const = default;
};

// Names that the reasoning of a message comes under in its fields.
inline constexpr std::array<const char*, 3> kReasoningFields = {"reasoning_content", "thinking", "reasoning"};

// Whether any of them holds an image or a sound.
bool has_media(std::span<const Message> messages);

// One response to be tokenized behind a prompt.
struct ResponseText {
  std::string text;
  bool truncated = false;   // it was cut off: no end-of-turn token follows it
  std::string fields = {};  // as Message::fields; where there are any, the template writes the response
};

// What the text of a response is.
enum class ResponseReading {
  kAuto,     // what the model wrote behind the generation prompt; a finished text that lacks what every answer has
             // there (the end of an open reasoning block, the header of a channel) is an answer alone
  kAsDrawn,  // what the model wrote behind the generation prompt
  kAnswer,   // an answer alone: it stands where the template puts the content of a finished turn
};

// Behaviour of the chat template; part of the result's manifest.
struct TemplateOptions {
  bool end_of_turn = true;        // score the end-of-turn token of a response that was not truncated
  bool template_newline = false;  // score also the white space that some templates put behind it
  ResponseReading reading = ResponseReading::kAuto;
  // What the template reads beside the messages (tools, enable_thinking, ...), as the text of a JSON object. Empty:
  // nothing.
  std::string arguments = {};
  std::string date = "2024-07-26";  // today, for templates that ask: pinned, so that a reward does not change overnight

  bool operator==(const TemplateOptions&) const = default;
};

// Noon of a day "2024-07-26", UTC. Throws InvalidInput where a text is no such date.
std::time_t noon_of(const std::string& date);
void check_template_date(const std::string& date);

// Where a response was read.
enum class ResponseContext {
  kAsDrawn,           // behind the generation prompt
  kContinued,         // behind the prompt's last message, which is the model's own and still open
  kClosedByTemplate,  // where the template puts the content of a finished turn
  kRaw,               // behind a prompt in the model's own form
  kTokens,            // tokens were given
};

}  // namespace endorm
