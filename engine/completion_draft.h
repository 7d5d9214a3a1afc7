#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/random.h"
#include "engine/generator.h"

namespace endorm {

// Draws a token from softmax(logits / temperature), cut to the nucleus: the smallest set of the most likely tokens with
// at least the probability top_p together. logits [V]; uniform is a number on [0, 1). Temperature 0 gives the largest
// logit; of equal logits the first counts as larger. Probabilities are summed in double; -infinity is a masked token.
// Throws InvalidInput on a NaN or +infinity, and where every token is masked.
Token draw_token(std::span<const float> logits, const SamplingOptions& options, double uniform);
Token draw_token(std::span<const double> logits, const SamplingOptions& options, double uniform);

// Throws InvalidInput, naming the option, where one is out of its range: max_tokens and every stop string at least 1
// long, temperature 0 or a positive number (whose reciprocal is finite too), 0 < top_p <= 1.
void check_sampling(const SamplingOptions& options);

// One completion as it grows. Token t takes the t-th number of its seed's stream, whatever is drawn beside it. Keeps
// references to request and options, which must outlive it.
class CompletionDraft {
 public:
  CompletionDraft(const GenerationRequest& request, const SamplingOptions& options);

  const Tokens& prompt() const { return request_->prompt; }
  const Tokens& tokens() const { return completion_.tokens; }
  bool ended() const { return ended_; }

  // logits [V] behind the last token -> the next token. Throws as draw_token.
  Token draw(std::span<const float> logits);
  Token draw(std::span<const double> logits);
  // The drawn token ends the turn: it is no part of the completion's tokens.
  void end_turn(Token token);
  // The drawn token and its bytes; the completion ends where a stop string is complete or max_tokens are reached.
  void add(Token token, std::string_view bytes);

  // The completion, its text valid UTF-8.
  Completion take();

 private:
  template <typename Real>
  Token draw_from(std::span<const Real> logits);

  const GenerationRequest* request_;
  const SamplingOptions* options_;
  RandomStream random_;
  Completion completion_;
  std::vector<std::size_t> begins_;  // of each token in bytes_
  std::string bytes_;
  bool ended_ = false;
};

}  // namespace endorm
