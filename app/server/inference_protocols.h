#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What clients of inference servers ask of a reward model or reranker there. A whole text is in the model's own form,
// cut where its last answer begins; prompt and response apart, query and document among them, are messages.

// vLLM /classify, SGLang /v1/classify: {"input": text(s) or "messages", "use_activation"?} -> data[].probs;
// SGLang /classify: {"text": text(s)} -> [{"embedding": [f]}].
Asked read_classify(const Json& body, const ProtocolContext& context);

// vLLM /pooling: {"input": text(s) or "messages", "task"?: "classify" | "token_classify"} -> data[].data; with
// token_classify [[r], ..] of the response's tokens.
Asked read_pooling(const Json& body, const ProtocolContext& context);

// SGLang /v1/embeddings: {"input": text(s)} -> data[].embedding.
Asked read_embeddings(const Json& body, const ProtocolContext& context);

// vLLM /score: {"queries", "documents"} or {"text_1", "text_2"}, one to many or as many -> data[].score.
Asked read_score(const Json& body, const ProtocolContext& context);

// /rerank of vLLM, Jina, Cohere and llama-server: {"query", "documents", "top_n"?} -> results[], best first; of
// text-embeddings-inference: {"query", "texts", "raw_scores"?, "return_text"?} -> [{"index", "score", "text"?}].
Asked read_rerank(const Json& body, const ProtocolContext& context);

// text-embeddings-inference /predict: {"inputs": text, pair or list of those, "raw_scores"?} -> [{"label", "score"}],
// a list of such lists where a list was asked.
Asked read_predict(const Json& body, const ProtocolContext& context);

}  // namespace endorm
