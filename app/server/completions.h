#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/server/protocol.h"
#include "app/server/queued_work.h"
#include "app/server/token_log_probs.h"
#include "app/server/turn_order.h"
#include "engine/engine.h"
#include "engine/generator.h"

namespace endorm {

// A text, or the tokens of one.
struct CompletionPrompt {
  std::string text;
  Tokens ids;  // empty: a text
};

// The caller's text as tokens.
struct CompletionText {
  std::string text;
  Tokens tokens;                          // BOS among them where the model wants it
  std::size_t added = 0;                  // of these at the beginning: BOS, which the text does not spell
  std::vector<std::size_t> byte_offsets;  // [tokens - added] where each begins in the text
};

// What came of one prompt.
struct CompletionChoice {
  CompletionText prompt;
  std::uint64_t seed = 0;
  std::vector<ToldToken> read;    // of the prompt [tokens], where CompletionsRequest::prompt_log_probs asks for it
  std::vector<ToldToken> echoed;  // of the prompt's text, where CompletionsRequest::echo asks for it
  std::vector<ToldToken> drawn;   // those that spell a stop string among them
  std::string text;               // of what was drawn, as bytes, up to a stop string
  std::size_t text_tokens = 0;    // of drawn: those that begin within the text
  std::string finish = "length";
  bool ended = false;
};

// OpenAI's /v1/completions, with `echo` and `logprobs`: the log-probabilities of a text that the caller wrote, which
// lm-evaluation-harness's `gguf` models and others read; with llama-server's `logit_bias`, and vLLM's
// `prompt_logprobs`, which teachers are asked for. The prompt is raw text, or token ids, to which nothing is added.
struct CompletionsRequest {
  std::vector<CompletionPrompt> prompts;
  bool echo = false;
  std::optional<std::size_t> log_probs;         // present: asked for, with so many of the likeliest of a read place
  std::optional<std::size_t> prompt_log_probs;  // the same of every token of a prompt
  std::map<Token, double> logit_bias;           // what the one greedy token is chosen with; -infinity: never this
  SamplingOptions sampling;
  std::optional<std::uint64_t> seed;  // none: each choice has one of its own, that nobody knows
  // How prompt_log_probs are read: from which token of each prompt on [prompts], at least 1 (empty: 1; behind its end:
  // none is), and at which temperature of the softmax.
  std::vector<std::size_t> read_from;
  double read_temperature = 1.0;
  // The reply's body. None: OpenAI's.
  std::function<Json(std::span<const CompletionChoice>, const ProtocolContext&)> reply;
};

// Throws InvalidInput on what is not supported (n, best_of, suffix) or out of range, and would change the answer.
CompletionsRequest read_completions(const Json& body, const ProtocolContext& context = {});

// A number of likeliest tokens that a request asks for. Throws InvalidInput where it is none, or more than are given.
std::size_t likeliest_field(const Json& body, const char* name);

// A call on its way: its prompts become choices in parts, each of one prompt, and a long completion in several.
class CompletionsCall final : public QueuedWork {
 public:
  // Throws InvalidInput where a prompt is empty or, with what is to be drawn, longer than the context.
  CompletionsCall(const Engine& engine, CompletionsRequest request, ProtocolContext context);

  // For RewardQueue::use: what each part costs, and the bytes of all texts.
  std::vector<PartCost> parts() const;
  std::size_t bytes() const;
  // The reply's body, once all parts are done.
  Json reply() const;

  PartReads reads(std::size_t part) const override;
  void take_read(const Engine& engine, std::size_t part, std::vector<std::vector<TokenStats>> stats) override;
  std::optional<PartDraw> draws(std::size_t part) const override;
  void take_drawn(const Engine& engine, std::size_t part, Completion completion) override;
  std::size_t completion(std::size_t part) const override { return parts_[part].choice; }

 private:
  struct Part {
    std::size_t choice = 0;
    std::size_t piece = 0;  // of it; with the first goes what is read
    std::size_t draws = 0;  // tokens at most
  };

  static CompletionText tokenized(const Engine& engine, const CompletionPrompt& asked, std::size_t place);
  bool one_greedy() const { return request_.sampling.max_tokens == 1 && request_.sampling.temperature == 0.0; }
  bool tells_prompt() const { return request_.echo || request_.prompt_log_probs; }
  bool reads_any() const { return tells_prompt() || one_greedy(); }
  std::size_t told_from(std::size_t choice) const;
  SamplingOptions sampling_of(const Part& part) const;
  void take_text(const Engine& engine, CompletionChoice& choice, std::size_t first,
                 std::span<const TokenStats> stats) const;
  void take_biased(const Engine& engine, CompletionChoice& choice,
                   std::span<const std::vector<TokenStats>> stats) const;
  void add(CompletionChoice& choice, ToldToken token) const;
  Json log_probs_of(const CompletionChoice& choice) const;

  CompletionsRequest request_;
  ProtocolContext context_;
  std::vector<CompletionChoice> choices_;
  std::vector<Part> parts_;
};

}  // namespace endorm
