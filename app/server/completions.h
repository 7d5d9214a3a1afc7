#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/server/protocol.h"
#include "engine/engine.h"
#include "engine/generator.h"

namespace endorm {

// A text, or the tokens of one.
struct CompletionPrompt {
  std::string text;
  Tokens ids;  // empty: a text
};

// OpenAI's /v1/completions, with `echo` and `logprobs`: the log-probabilities of a text that the caller wrote, which
// lm-evaluation-harness's `gguf` models and others read. The prompt is raw text, or token ids, to which nothing is
// added.
struct CompletionsRequest {
  std::vector<CompletionPrompt> prompts;
  bool echo = false;
  std::optional<std::size_t>
      log_probs;  // present: asked for. At most the likeliest token stands beside the one there is
  SamplingOptions sampling;
  std::uint64_t seed = 0;
};

// Throws InvalidInput on what is not supported (n, best_of, suffix, logit_bias) or out of range.
CompletionsRequest read_completions(const Json& body);

// The reply's body. Throws InvalidInput where a prompt is empty or longer than the context.
Json complete(Engine& engine, const CompletionsRequest& request, const ProtocolContext& context);

}  // namespace endorm
