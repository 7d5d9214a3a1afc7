#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What clients of inference servers ask of a reward model or reranker there. A whole text is in the model's own form,
// cut where its last answer begins; prompt and response apart, query and document among them, are messages. A row that
// cannot be scored has null, or ProtocolContext::unscored, and "error" beside it; a request of which no row can is
// refused.

// vLLM /classify, SGLang /v1/classify: {"input": text(s) or "messages", "use_activation"?} -> data[].probs;
// SGLang /classify: {"text": text(s)} -> [{"embedding": [f]}].
Asked read_classify(const Json& body, const ProtocolContext& context);

// vLLM /pooling: {"input": text(s) or "messages", "task"?: "classify" | "token_classify"} -> data[].data; with
// token_classify [[r], ..] of the response's tokens.
Asked read_pooling(const Json& body, const ProtocolContext& context);

// SGLang and OpenAI /v1/embeddings: {"input": text(s), "encoding_format"?: "float" | "base64"} -> data[].embedding.
Asked read_embeddings(const Json& body, const ProtocolContext& context);

// vLLM /score: {"queries", "documents"}, or "items" of the queries, "text_1" and "text_2", "data_1" and "data_2"; one
// to many or as many -> data[].score.
Asked read_score(const Json& body, const ProtocolContext& context);

// /rerank of vLLM, Jina, Cohere and llama-server: {"query", "documents", "top_n"? (0: all)} -> results[], best first;
// of text-embeddings-inference: {"query", "texts", "raw_scores"?, "return_text"?} -> [{"index", "score", "text"?}].
Asked read_rerank(const Json& body, const ProtocolContext& context);

// text-embeddings-inference /predict: {"inputs": text, pair or list of those, "raw_scores"?} -> [{"label", "score"}],
// a list of such lists where a list was asked.
Asked read_predict(const Json& body, const ProtocolContext& context);

}  // namespace endorm
