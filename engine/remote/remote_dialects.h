#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/messages.h"
#include "engine/token_tree.h"

namespace endorm {

// The shapes of requests, as pure functions to JSON text: no connection is needed to test them. They follow the
// servers' sources: vLLM 0.32.0, SGLang 0.5.23. All throw InvalidInput on text that is not UTF-8.
enum class RemoteDialect { kVllm, kSglang };

// "vllm", "sglang".
std::string_view remote_dialect_name(RemoteDialect dialect);

// A POST of a JSON body.
struct RemoteCall {
  std::string path;
  std::string body;
};

// How the assistant's turn is rendered: closed by the template, or left open (SGLang only, for versions before 0.5.23,
// which know nothing else). A prompt and its turn are asked for in the same way.
enum class TurnRendering { kClosed, kOpen };
// The prompt, opened for the assistant's turn. arguments: TemplateOptions::arguments, of which vLLM alone knows.
RemoteCall tokenize_prompt_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                                std::span<const Message> messages, const std::string& arguments = {});
// The prompt and the assistant's turn.
RemoteCall tokenize_turn_call(RemoteDialect dialect, TurnRendering rendering, const std::string& model,
                              std::span<const Message> messages, const std::string& response,
                              const std::string& arguments = {});
// A text alone, without BOS.
RemoteCall tokenize_text_call(RemoteDialect dialect, const std::string& model, const std::string& text);

// Sequences of tokens as text, special tokens spelled out. vLLM takes one sequence a call, SGLang any number.
RemoteCall detokenize_call(RemoteDialect dialect, const std::string& model, std::span<const Tokens> sequences);
// log pi of tokens[first ..] given what stands before them, first >= 1. One token is generated beside and ignored
// (vLLM refuses to generate none); temperature and penalties are neutral, so that the model's own policy is meant.
RemoteCall log_probs_call(RemoteDialect dialect, const std::string& model, std::span<const Token> tokens,
                          std::size_t first);
}  // namespace endorm
