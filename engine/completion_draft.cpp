#include "engine/completion_draft.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/utf8.h"

namespace endorm {
namespace {

struct WeightedToken {
  std::size_t token;
  double weight;
};

// exp((q_a - maximum) / temperature) of one row.
template <typename Real>
class TokenWeights {
 public:
  TokenWeights(std::span<const Real> logits, double temperature)
      : logits_(logits), temperature_(temperature), sums_(row_weights(logits, temperature)) {}

  double of(std::size_t token) const {
    return std::exp((static_cast<double>(logits_[token]) - sums_.maximum) / temperature_);
  }
  double total() const { return std::accumulate(sums_.block_sums.begin(), sums_.block_sums.end(), 0.0); }

  // The token in whose share of the total it lies, in the order of the vocabulary.
  std::size_t at(double share) const {
    std::size_t block = 0;
    std::size_t last = 0;  // block with a token that may be drawn: where the rounding of the sums ends
    for (; block < sums_.block_sums.size(); ++block) {
      if (share < sums_.block_sums[block]) {
        return in_block(block, share);
      }
      share -= sums_.block_sums[block];
      last = sums_.block_sums[block] > 0.0 ? block : last;
    }
    return in_block(last, share);
  }

  // The most likely tokens, in order, until their weights reach the share top_p of all.
  std::vector<WeightedToken> nucleus(double top_p) const {
    // Those below the mean weight of what is to be left out are together less than that: the nucleus is among the
    // others, far fewer than V. Half of it leaves room for rounding.
    const double all = total();
    const double least = 0.5 * (1.0 - top_p) * all / static_cast<double>(logits_.size());
    const double least_logit = sums_.maximum + temperature_ * std::log(least);
    std::vector<WeightedToken> heap;  // the most likely first
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      if (static_cast<double>(logits_[i]) >= least_logit) {
        heap.push_back({i, of(i)});
      }
    }
    const auto less_likely = [](const WeightedToken& a, const WeightedToken& b) {
      return a.weight != b.weight ? a.weight < b.weight : a.token > b.token;
    };
    std::make_heap(heap.begin(), heap.end(), less_likely);
    std::vector<WeightedToken> tokens;
    double sum = 0.0;
    while (!heap.empty() && (tokens.empty() || sum < top_p * all)) {
      std::pop_heap(heap.begin(), heap.end(), less_likely);
      tokens.push_back(heap.back());
      sum += heap.back().weight;
      heap.pop_back();
    }
    return tokens;
  }

 private:
  std::size_t in_block(std::size_t block, double share) const {
    const std::size_t end = std::min((block + 1) * kWeightBlock, logits_.size());
    std::size_t last = block * kWeightBlock;
    for (std::size_t token = block * kWeightBlock; token < end; ++token) {
      const double weight = of(token);
      if (share < weight) {
        return token;
      }
      share -= weight;
      last = weight > 0.0 ? token : last;
    }
    return last;  // rounding of the sum
  }

  std::span<const Real> logits_;
  double temperature_;
  RowWeights sums_;
};

template <typename Real>
std::size_t draw(std::span<const Real> logits, const SamplingOptions& options, double uniform) {
  if (options.temperature == 0.0) {
    return static_cast<std::size_t>(std::find(logits.begin(), logits.end(), largest_logit(logits)) - logits.begin());
  }
  const TokenWeights<Real> weights(logits, options.temperature);
  if (options.top_p == 1.0) {
    return weights.at(uniform * weights.total());
  }
  const std::vector<WeightedToken> tokens = weights.nucleus(options.top_p);
  double left = 0.0;
  for (const WeightedToken& token : tokens) {
    left += token.weight;
  }
  left *= uniform;
  for (const WeightedToken& token : tokens) {
    if (left < token.weight) {
      return token.token;
    }
    left -= token.weight;
  }
  return tokens.back().token;  // rounding of the sum
}

}  // namespace

CompletionDraft::CompletionDraft(const GenerationRequest& request, const SamplingOptions& options)
    : request_(&request), options_(&options), random_(request.seed) {
  for (std::size_t token = 0; token < request.drawn; ++token) {
    random_.uniform();
  }
}

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

Token draw_token(std::span<const float> logits, const SamplingOptions& options, double uniform) {
  return static_cast<Token>(draw(logits, options, uniform));
}

Token draw_token(std::span<const double> logits, const SamplingOptions& options, double uniform) {
  return static_cast<Token>(draw(logits, options, uniform));
}

void check_sampling(const SamplingOptions& options) {
  if (options.max_tokens == 0) {
    throw InvalidInput("[generate] max_tokens is 0. Give at least 1.");
  }
  if (options.temperature != 0.0 &&
      !(options.temperature > 0.0 && std::isfinite(options.temperature) && std::isfinite(1.0 / options.temperature))) {
    throw InvalidInput("[generate] temperature is " + std::to_string(options.temperature) +
                       ". Give 0 (the most likely token) or a positive number.");
  }
  if (!(options.top_p > 0.0) || !(options.top_p <= 1.0)) {
    throw InvalidInput("[generate] top_p is " + std::to_string(options.top_p) + ". Give a number above 0, at most 1.");
  }
  if (std::any_of(options.stop.begin(), options.stop.end(), [](const std::string& stop) { return stop.empty(); })) {
    throw InvalidInput("[generate] a stop string is empty. Leave it out.");
  }
}

}  // namespace endorm
