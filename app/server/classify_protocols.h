#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What clients of inference servers ask of a reward model there. A whole text is in the model's own form, cut where its
// last answer begins; "messages" are not. A row that cannot be scored has null, or ProtocolContext::unscored, and
// "error" beside it; a request of which no row can is refused.

// vLLM /classify, SGLang /v1/classify: {"input": text(s) or "messages", "use_activation"?} -> data[].probs;
// SGLang /classify: {"text": text(s)} -> [{"embedding": [f]}].
Asked read_classify(const Json& body, const ProtocolContext& context);

// vLLM /pooling: {"input": text(s) or "messages", "task"?: "classify" | "token_classify"} -> data[].data; with
// token_classify [[r], ..] of the response's tokens.
Asked read_pooling(const Json& body, const ProtocolContext& context);

// SGLang and OpenAI /v1/embeddings: {"input": text(s), "encoding_format"?: "float" | "base64"} -> data[].embedding.
Asked read_embeddings(const Json& body, const ProtocolContext& context);

}  // namespace endorm
