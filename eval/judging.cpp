#include "eval/judging.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/content_hash.h"

namespace endorm {

JudgedExample unjudged(const Example& example) {
  JudgedExample judged{.id = example.request.id,
                       .key = example.request.key,
                       .subset = example.subset,
                       .subject = example.subject,
                       .level = example.level,
                       .group = example.group,
                       .responses = {},
                       .comparisons = {},
                       .correct = example.correct,
                       .vote = example.vote,
                       .steps = example.steps};
  for (const RequestResponse& response : example.request.responses) {
    judged.responses.emplace_back().characters = code_points(response.text.text);
  }
  for (const Comparison& comparison : example.comparisons) {
    judged.comparisons.push_back({comparison, std::nullopt});
  }
  return judged;
}

namespace {

// Places of the lower and the higher index among a request's responses.
using Pair = std::pair<std::size_t, std::size_t>;

Pair pair_of(const Comparison& comparison) { return std::minmax(comparison.better, comparison.worse); }

double mean_of(std::span<const TokenReward> tokens, double alpha) {
  double sum = 0.0;
  for (const TokenReward& token : tokens) {
    sum += alpha * token.log_prob;
  }
  return sum / static_cast<double>(tokens.size());
}

// The windows of `size` tokens follow each other; the last one may be shorter.
double lowest_window(std::span<const TokenReward> tokens, double alpha, std::size_t size) {
  double lowest = mean_of(tokens.first(std::min(size, tokens.size())), alpha);
  for (std::size_t begin = size; begin < tokens.size(); begin += size) {
    lowest = std::min(lowest, mean_of(tokens.subspan(begin, std::min(size, tokens.size() - begin)), alpha));
  }
  return lowest;
}

// Whether the judge's steps are sums of alpha log pi of its tokens, up to the rounding of a sum.
bool reads_log_prob(const ScoredResponse& response, double alpha) {
  if (response.tokens.empty()) {
    return false;
  }
  return std::all_of(response.aggregates->steps.begin(), response.aggregates->steps.end(), [&](const StepReward& step) {
    const auto tokens = std::span(response.tokens).subspan(step.tokens.begin, step.tokens.end - step.tokens.begin);
    return std::abs(mean_of(tokens, alpha) - step.mean) <= 1e-9 * (1.0 + std::abs(step.mean));
  });
}

std::map<std::string, std::vector<double>> step_scores(const ScoredResponse& response, const JudgingOptions& options) {
  std::map<std::string, std::vector<double>> scores;
  if (!response.aggregates) {
    return scores;
  }
  std::optional<double> before;
  const bool by_token = reads_log_prob(response, options.alpha);
  for (const StepReward& step : response.aggregates->steps) {
    scores["sum"].push_back(step.sum);
    scores["mean"].push_back(step.mean);
    scores["drop"].push_back(before ? step.mean - *before : 0.0);
    before = step.mean;
    if (by_token) {
      const auto tokens = std::span(response.tokens).subspan(step.tokens.begin, step.tokens.end - step.tokens.begin);
      scores["min"].push_back(lowest_window(tokens, options.alpha, 1));
      scores["chunk"].push_back(lowest_window(tokens, options.alpha, options.chunk));
    }
  }
  return scores;
}

void note(JudgedResponse& judged, const ScoredOutcome& outcome, bool has_steps, const JudgingOptions& options) {
  if (!outcome.scored) {
    judged.error = outcome.error;
    return;
  }
  const ScoredResponse& scored = *outcome.scored;
  judged.reward = scored.reward;
  if (!scored.token_ids.empty()) {
    judged.tokens = scored.token_ids.size();
  }
  judged.replies = scored.replies;
  judged.unparsed = scored.unparsed;
  if (has_steps) {
    judged.step_scores = step_scores(scored, options);
  }
}

void check_size(const Scored& scored, std::size_t responses) {
  if (scored.responses.size() != responses) {
    throw InternalError("[judge_examples] the judge gave " + std::to_string(scored.responses.size()) + " verdicts on " +
                        std::to_string(responses) + " responses. Please report it.");
  }
}

JudgedExample by_rewards(const Example& example, const Scored& scored, const JudgingOptions& options) {
  check_size(scored, example.request.responses.size());
  JudgedExample judged = unjudged(example);
  for (std::size_t i = 0; i < judged.responses.size(); ++i) {
    note(judged.responses[i], scored.responses[i], example.steps.has_value(), options);
  }
  for (JudgedComparison& comparison : judged.comparisons) {
    const JudgedResponse& better = judged.responses[comparison.comparison.better];
    const JudgedResponse& worse = judged.responses[comparison.comparison.worse];
    if (better.reward && worse.reward) {
      comparison.margin = *better.reward - *worse.reward;
    } else {
      comparison.error = better.reward ? worse.error : better.error;
    }
  }
  return judged;
}

// The pairs that an example asks about, each once.
std::vector<Pair> pairs_of(const Example& example) {
  std::vector<Pair> pairs;
  for (const Comparison& comparison : example.comparisons) {
    if (const Pair pair = pair_of(comparison); std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) {
      pairs.push_back(pair);
    }
  }
  return pairs;
}

Request request_for(const Request& request, const Pair& pair) {
  const std::string name = std::to_string(pair.first) + "-" + std::to_string(pair.second);
  Request about = request;
  about.id += "#" + name;
  about.key = record_key(request.key + "#" + name);
  about.responses = {request.responses[pair.first], request.responses[pair.second]};
  return about;
}

// verdicts: of the example's pairs, in their order.
JudgedExample by_pairs(const Example& example, std::span<const Scored> verdicts) {
  const std::vector<Pair> pairs = pairs_of(example);
  for (const Scored& verdict : verdicts) {
    check_size(verdict, 2);
  }
  JudgedExample judged = unjudged(example);
  std::vector<double> wins(judged.responses.size(), 0.0);
  std::vector<std::size_t> asked(judged.responses.size(), 0);
  for (JudgedComparison& comparison : judged.comparisons) {
    const Pair pair = pair_of(comparison.comparison);
    const auto place = static_cast<std::size_t>(std::find(pairs.begin(), pairs.end(), pair) - pairs.begin());
    const std::vector<ScoredOutcome>& outcomes = verdicts[place].responses;
    const bool better_is_first = comparison.comparison.better == pair.first;
    const ScoredOutcome& better = outcomes[better_is_first ? 0 : 1];
    const ScoredOutcome& worse = outcomes[better_is_first ? 1 : 0];
    if (!better.scored || !worse.scored) {
      comparison.error = better.scored ? worse.error : better.error;
      continue;
    }
    comparison.margin = better.scored->reward - worse.scored->reward;
    comparison.replies = better.scored->replies;
    comparison.unparsed = better.scored->unparsed;
    comparison.inconsistent = better.scored->inconsistent > 0;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (const auto& [response, side] : {std::pair{pairs[i].first, 0U}, std::pair{pairs[i].second, 1U}}) {
      const ScoredOutcome& outcome = verdicts[i].responses[side];
      if (outcome.scored) {
        wins[response] += outcome.scored->reward;
        ++asked[response];
      } else {
        judged.responses[response].error = outcome.error;
      }
    }
  }
  for (std::size_t i = 0; i < wins.size(); ++i) {
    if (asked[i] > 0) {  // the share of the others that it beat
      judged.responses[i].reward = wins[i] / static_cast<double>(asked[i]);
      judged.responses[i].error.clear();
    } else if (judged.responses[i].error.empty()) {
      judged.responses[i].error = "no pair with this response was asked about";
    }
  }
  return judged;
}

}  // namespace

std::vector<JudgedExample> judge_examples(std::span<const Example> examples, Scorer& scorer,
                                          const JudgingOptions& options) {
  std::vector<Request> requests;
  std::vector<std::size_t> counts;  // requests of each example
  for (const Example& example : examples) {
    const std::size_t before = requests.size();
    if (options.compares_pairs && !example.comparisons.empty()) {
      for (const Pair& pair : pairs_of(example)) {
        requests.push_back(request_for(example.request, pair));
      }
    } else if (!example.request.responses.empty()) {
      requests.push_back(example.request);
    }
    counts.push_back(requests.size() - before);
  }
  const std::vector<Scored> scored = scorer.score(requests);
  if (scored.size() != requests.size()) {
    throw InternalError("[judge_examples] the judge answered " + std::to_string(scored.size()) + " of " +
                        std::to_string(requests.size()) + " requests. Please report it.");
  }
  std::vector<JudgedExample> judged;
  std::size_t next = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::span<const Scored> own = std::span(scored).subspan(next, counts[i]);
    next += counts[i];
    const bool in_pairs = options.compares_pairs && !examples[i].comparisons.empty();
    judged.push_back(in_pairs      ? by_pairs(examples[i], own)
                     : own.empty() ? unjudged(examples[i])
                                   : by_rewards(examples[i], own.front(), options));
  }
  return judged;
}

}  // namespace endorm
