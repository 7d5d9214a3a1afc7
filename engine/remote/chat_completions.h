#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/messages.h"

namespace endorm {

// POST /v1/chat/completions as OpenAI publishes it and vLLM, SGLang, llama-server, Ollama and others speak it: request
// and reply as pure functions on JSON text.

struct ChatRequest {
  std::string model;
  std::span<const Message> messages;
  std::size_t max_tokens = 0;  // of the reply, reasoning among them
  double temperature = 0.0;
  std::optional<std::uint32_t> seed = {};  // below 2^31, which every server takes
  // The limit is called max_completion_tokens, as OpenAI's reasoning models alone have it; else max_tokens, which all
  // others have.
  bool names_completion_tokens = false;
};
// Bytes that are no UTF-8 become U+FFFD.
std::string chat_body(const ChatRequest& request);

struct ChatReply {
  std::string text;        // what the assistant says, without reasoning that the server keeps apart; a refusal's words;
                           // empty where it says nothing
  std::string finish;      // "stop", "length", "content_filter", ..; empty where the server does not say
  std::string model;       // which answered; empty where the server does not say
  bool has_usage = false;  // the counts below were told
  std::size_t prompt_tokens = 0;
  std::size_t completion_tokens = 0;
};
// Throws EngineError, naming what the server answered, on anything but a chat completion.
ChatReply parse_chat_reply(std::string_view reply);

}  // namespace endorm
