#pragma once

#include "app/server/protocol.h"

namespace endorm {

// What clients of inference servers ask of a reranker there: query and document are prompt and response as people wrote
// them. Rows that cannot be scored are told of as those of classify_protocols.h.

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
