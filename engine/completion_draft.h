#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/random.h"
#include "engine/generator.h"

namespace endorm {

// One completion as it grows. Token t takes the t-th number of its seed's stream, whatever is drawn beside it. Keeps
// references to request and options, which must outlive it.
class CompletionDraft {
 public:
  CompletionDraft(const GenerationRequest& request, const SamplingOptions& options)
      : request_(&request), options_(&options), random_(request.seed) {}

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
