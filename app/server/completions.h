#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/server/protocol.h"
#include "app/server/turn_order.h"
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

// A call on its way: its prompts become choices in parts, each of one prompt, and a long completion in several.
class CompletionsCall {
 public:
  // Throws InvalidInput where a prompt is empty or, with what is to be drawn, longer than the context.
  CompletionsCall(const Engine& engine, CompletionsRequest request, ProtocolContext context);

  // For RewardQueue::use: what each part costs, and the bytes of all texts.
  std::vector<PartCost> parts() const;
  std::size_t bytes() const;
  // Does one part; all are done in their order. One of a completion that has ended does nothing.
  void run(Engine& engine, std::size_t part);
  // The reply's body, once all are done.
  Json reply() const;

 private:
  // The caller's text as tokens.
  struct PromptText {
    std::string text;
    Tokens tokens;                          // BOS among them where the model wants it
    std::size_t added = 0;                  // of these at the beginning: BOS, which the text does not spell
    std::vector<std::size_t> byte_offsets;  // [tokens - added] where each begins in the text
  };
  // One token of the reply.
  struct ShownToken {
    std::string bytes;
    std::optional<double> log_prob;  // none of the first token of a text: nothing stands before it
    std::optional<std::pair<std::string, double>> likeliest;
  };
  struct Choice {
    PromptText prompt;
    std::vector<ShownToken> tokens;
    Tokens drawn;
    std::string drawn_bytes;
    std::string finish = "length";
    bool ended = false;
  };
  struct Part {
    std::size_t choice = 0;
    bool reads = false;     // the prompt's own log-probabilities, or the row behind it
    std::size_t draws = 0;  // tokens at most
  };

  static PromptText tokenized(const Engine& engine, const CompletionPrompt& asked, std::size_t place);
  static ShownToken shown(const Engine& engine, Token token, const TokenStats& stats);
  bool one_greedy() const { return request_.sampling.max_tokens == 1 && request_.sampling.temperature == 0.0; }
  void read(Engine& engine, Choice& choice) const;
  void draw(Engine& engine, Choice& choice, std::size_t most) const;
  static Json log_probs_of(const Choice& choice, std::span<const std::size_t> prompt_bytes);

  CompletionsRequest request_;
  ProtocolContext context_;
  std::vector<Choice> choices_;
  std::vector<Part> parts_;
};

}  // namespace endorm
