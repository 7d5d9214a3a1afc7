#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/remote/remote_dialects.h"
#include "engine/remote/remote_http.h"
#include "engine/remote/remote_replies.h"

namespace endorm {

class RemoteTokenizer;

struct RemoteEngineOptions {
  // Part of the numbers.
  RemoteDialect dialect = RemoteDialect::kVllm;
  std::string model;        // as the server names it; empty: the first that it lists
  std::string end_of_turn;  // SGLang before 0.5.23: text of the token that ends a turn; empty: the template's own
  // The connection: URL, key, time-outs, retries.
  RemoteHttpOptions http;
  std::size_t connections = 8;  // requests under way at once
};

// A model behind a server, scored by the log-probabilities that the server gives for prompt tokens.
//
// Tried by hand against vLLM 0.32.0 (CPU build). SGLang was never run: its shapes were read from its sources (0.5.23).
// The tests use these shapes over HTTP with exact numbers behind them.
//
// vLLM     tokens, template and end of turn from /tokenize, log-probabilities from /v1/completions (prompt_logprobs).
//          It computes the whole sequence for every request: its prefix cache is not read where log-probabilities of
//          the prompt are asked for.
// SGLang   /v1/tokenize, /v1/detokenize, /generate (input_token_logprobs). Before 0.5.23 the end of turn must be named
//          in the options; responses with tokens that split a character are refused.
//
// No server gives raw logits, so V and entropies are missing, and only alpha = 1 can be asked for. The server's numbers
// are those of its own precision and batching. Swapping the model behind the same name and address goes unnoticed.
class RemoteEngine : public Engine {
 public:
  // Asks the server for its models. Throws InvalidInput on options that cannot be, or on a dialect that cannot score;
  // EngineError where the server does not answer or does not know the model.
  explicit RemoteEngine(RemoteEngineOptions options);
  ~RemoteEngine() override;

  const Capabilities& capabilities() const override { return capabilities_; }
  // The server does not show its template: its address stands for it.
  ModelInfo model() const override;

  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override;
  std::string token_bytes(Token token) const override;

  // One request for each leaf under which something is scored; what leaves share is taken from the first.
  // TokenStats::logit is log pi, log_sum_exp is 0. share_prefixes changes nothing: the server decides what it reuses.
  // Throws InvalidInput on alpha other than 1, a path beyond the context, or a request that the server refuses;
  // EngineError on everything else that goes wrong.
  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override;
  // Tokens sent, whatever the server reused.
  std::size_t tokens_computed() const override { return tokens_sent_; }

 private:
  RemoteEngineOptions options_;
  std::vector<std::unique_ptr<RemoteHttp>> connections_;  // one a thread
  mutable std::mutex tokenizing_;
  std::unique_ptr<RemoteHttp> tokenizer_connection_;
  RemoteModelInfo served_;
  Capabilities capabilities_;
  std::unique_ptr<RemoteTokenizer> tokenizer_;
  std::atomic<std::size_t> tokens_sent_ = 0;
};

}  // namespace endorm
