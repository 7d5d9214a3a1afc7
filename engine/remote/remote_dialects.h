#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// The shapes of requests and replies, as pure functions on JSON text: no connection is needed to test them. They follow
// the servers' sources: vLLM 0.32.0, SGLang 0.5.23, llama-server of llama.cpp 0.5.0.
// Every parse_ function throws EngineError, naming what the server answered, on text that is not JSON and on a field
// that is missing or of another type; every _call function throws InvalidInput on text that is not UTF-8.
enum class RemoteDialect { kVllm, kSglang, kLlamaServer };

// "vllm", "sglang", "llama_server".
std::string_view remote_dialect_name(RemoteDialect dialect);
RemoteDialect remote_dialect_from_name(std::string_view name);  // throws InvalidInput, listing the names

// A POST of a JSON body.
struct RemoteCall {
  std::string path;
  std::string body;
};

// What GET /v1/models says of the model that is scored.
struct RemoteModelInfo {
  std::string id;
  std::string root;         // where the server loaded it from; empty where it does not say
  std::size_t context = 0;  // tokens; 0 = it does not say
};
// wanted empty: the first model listed. Throws EngineError where wanted is not listed.
RemoteModelInfo parse_models(std::string_view reply, std::string_view wanted);

struct TokenizeReply {
  Tokens tokens;                       // [T]
  std::vector<std::string> spellings;  // [T] as the vocabulary spells them (remote_spelling.h); empty: not given
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
TokenizeReply parse_tokenize(std::string_view reply);

// Sequences of tokens as text, special tokens spelled out. vLLM takes one sequence a call, SGLang any number.
RemoteCall detokenize_call(RemoteDialect dialect, const std::string& model, std::span<const Tokens> sequences);
// One text for each of `count` sequences.
std::vector<std::string> parse_detokenize(RemoteDialect dialect, std::string_view reply, std::size_t count);

// log pi of tokens[first ..] given what stands before them, first >= 1. One token is generated beside and ignored
// (vLLM refuses to generate none); temperature and penalties are neutral, so that the model's own policy is meant.
RemoteCall log_probs_call(RemoteDialect dialect, const std::string& model, std::span<const Token> tokens,
                          std::size_t first);
// [tokens.size() - first], nats. Throws EngineError on a count or token that was not asked for, and on a number that is
// null, not finite, above 0 beyond rounding, or vLLM's -9999, which stands for minus infinity and for NaN.
std::vector<double> parse_log_probs(RemoteDialect dialect, std::string_view reply, std::span<const Token> tokens,
                                    std::size_t first);

// What an error reply says: its message field in any of the servers' shapes, else the beginning of the text.
std::string server_message(std::string_view reply);

}  // namespace endorm
