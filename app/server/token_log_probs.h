#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/server/protocol.h"
#include "engine/engine.h"

namespace endorm {

// A token as replies tell of it. Its bytes may be a part of a character.
struct ToldToken {
  Token id = 0;
  std::string bytes;
  std::optional<double> log_prob;    // none of the first token of a text: nothing stands before it
  std::vector<ToldToken> likeliest;  // of its place, the likeliest first; it may be among them
};

// Of a token with these statistics; alpha: their temperature.
ToldToken told_token(const Engine& engine, Token token, const TokenStats& stats, double alpha = 1.0);

// The token's text, or where its bytes are no whole characters "bytes:\xe2\x80", as OpenAI has them: keys of different
// tokens stay different.
std::string token_key(const std::string& bytes);

// OpenAI's "top_logprobs" of one place: {text: log pi} of the likeliest `most` and of the token itself; null where it
// has no log pi. A token whose text another has already is "token_id:ID".
Json top_log_probs(const ToldToken& token, std::size_t most);
// llama-server's and OpenAI's "content": [{"id", "token", "bytes", "logprob", "top_logprobs": [..]}].
Json content_log_probs(std::span<const ToldToken> tokens, std::size_t most);
// vLLM's "prompt_logprobs": [null, {"ID": {"logprob", "rank", "decoded_token"}}, ..]. The token itself is the first of
// its place, as clients expect that read no other; where it is not among the likeliest, "rank" is the first that it can
// have.
Json prompt_log_probs(std::span<const ToldToken> tokens, std::size_t most);
// vLLM's "content" where tokens go as ids: [{"token_id", "token": "token_id:ID", "logprob", "rank", "top_logprobs":
// [..]}], the token itself the first of them.
Json id_log_probs(std::span<const ToldToken> tokens, std::size_t most);

}  // namespace endorm
