#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/remote/remote_dialects.h"
#include "engine/token_tree.h"

namespace endorm {

// The shapes of replies, as pure functions on JSON text. All but server_message throw EngineError, naming what the
// server answered, on text that is not JSON and on a field that is missing or of another type.

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
TokenizeReply parse_tokenize(std::string_view reply);

// One text for each of `count` sequences.
std::vector<std::string> parse_detokenize(RemoteDialect dialect, std::string_view reply, std::size_t count);

// [tokens.size() - first], nats. Throws EngineError on a count or token that was not asked for, and on a number that is
// null, not finite, above 0 beyond rounding, or vLLM's -9999, which stands for minus infinity and for NaN.
std::vector<double> parse_log_probs(RemoteDialect dialect, std::string_view reply, std::span<const Token> tokens,
                                    std::size_t first);

// What an error reply says: its message field in any of the servers' shapes, else the beginning of the text.
std::string server_message(std::string_view reply);

}  // namespace endorm
