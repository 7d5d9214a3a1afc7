#include "engine/completion_draft.h"

#include <algorithm>
#include <utility>

#include "core/log_sum_exp.h"
#include "core/utf8.h"
#include "engine/token_sampler.h"

namespace endorm {

template <typename Real>
Token CompletionDraft::draw_from(std::span<const Real> logits) {
  const Token token = draw_token(logits, *options_, random_.uniform());
  if (options_->log_probs) {
    completion_.log_probs.push_back(static_cast<double>(logits[static_cast<std::size_t>(token)]) -
                                    row_statistics(logits).log_sum_exp);
  }
  return token;
}

Token CompletionDraft::draw(std::span<const float> logits) { return draw_from(logits); }

Token CompletionDraft::draw(std::span<const double> logits) { return draw_from(logits); }

void CompletionDraft::end_turn(Token token) {
  completion_.end = CompletionEnd::kEndOfTurn;
  completion_.end_token = token;
  ended_ = true;
}

void CompletionDraft::add(Token token, std::string_view bytes) {
  const std::size_t before = bytes_.size();
  begins_.push_back(before);
  completion_.tokens.push_back(token);
  bytes_ += bytes;
  std::size_t stops_at = std::string::npos;
  for (const std::string& stop : options_->stop) {
    const std::size_t first = before < stop.size() ? 0 : before - stop.size() + 1;  // it may begin in earlier tokens
    stops_at = std::min(stops_at, bytes_.find(stop, first));
  }
  if (stops_at != std::string::npos) {
    bytes_.resize(stops_at);
    completion_.end = CompletionEnd::kStop;
    ended_ = true;
  } else if (completion_.tokens.size() == options_->max_tokens) {
    completion_.end = CompletionEnd::kLength;
    ended_ = true;
  }
}

Completion CompletionDraft::take() {
  completion_.text_tokens = completion_.tokens.size();
  if (completion_.end == CompletionEnd::kStop) {
    completion_.text_tokens = static_cast<std::size_t>(
        std::count_if(begins_.begin(), begins_.end(), [&](std::size_t begin) { return begin < bytes_.size(); }));
  }
  completion_.text = valid_utf8(bytes_);
  return std::move(completion_);
}

}  // namespace endorm
