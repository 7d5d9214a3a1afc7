#pragma once

#include "app/server/protocol.h"
#include "engine/engine.h"

namespace endorm {

// llama-server's /tokenize: {"content", "add_special"?, "with_pieces"?} -> {"tokens"}; vLLM's: {"prompt",
// "add_special_tokens"?} -> {"tokens", "count", "max_model_len"}. Special tokens spelled in the text are these tokens.
Json tokenize_reply(const Engine& engine, const Json& body, const ProtocolContext& context);
// {"tokens": ids, "with_pieces"?} -> {"content", "prompt"}: the text, as either calls it; with pieces also {"tokens"},
// as of /tokenize.
Json detokenize_reply(const Engine& engine, const Json& body, const ProtocolContext& context);

}  // namespace endorm
