#include "score/endogenous_scorer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/errors.h"
#include "core/reward.h"
#include "core/temperature.h"
#include "engine/engine.h"
#include "score/kept_steps.h"
#include "score/request_tokens.h"
#include "score/step_ranges.h"
#include "score/together_or_each.h"
#include "score/token_texts.h"

namespace endorm {

// One response, or one turn of it, on its way through the model.
struct EndogenousScorer::Job {
  std::size_t response = 0;  // among those that were given
  TokenizedResponse tokens;
  std::size_t truncated_left = 0;
  Digest key{};                                     // of everything that determines the statistics, at options_.alpha
  std::vector<TokenStats> stats;                    // [T], once it is known
  std::vector<std::vector<TokenStats>> also_stats;  // [alphas_ behind the first][T], where they were computed with it
  std::string failure;                              // why it is not
};

namespace {

std::vector<LikelyToken> likeliest_of(const TokenStats& stats, double alpha) {
  std::vector<LikelyToken> tokens;
  tokens.reserve(stats.likeliest.size());
  for (const LargestLogit& likely : stats.likeliest) {
    tokens.push_back({static_cast<Token>(likely.place), likely.logit / alpha - stats.log_sum_exp});
  }
  return tokens;
}

}  // namespace

void require_scorable(const Capabilities& capabilities, const ScoreOptions& options) {
  if (options.aggregate.initial_value && !capabilities.raw_logits) {
    throw InvalidInput("[score] V(s_1) cannot be added: " + capabilities.missing_reason);
  }
  if (options.alpha != 1.0 && !capabilities.any_alpha) {
    throw InvalidInput("[score] alpha other than 1 cannot be had: " + capabilities.missing_reason);
  }
  const bool small = std::any_of(options.also_alphas.begin(), options.also_alphas.end(),
                                 [&](double alpha) { return alpha < kLeastTemperature; });
  if (options.alpha < kLeastTemperature || small) {
    throw InvalidInput("[score] a temperature alpha is below 1e-30: logits divided by it overflow. Use a larger one.");
  }
}

EndogenousScorer::EndogenousScorer(Engine& engine, StatsCache& cache, ScoreOptions options)
    : engine_(engine), cache_(cache), options_(std::move(options)) {
  const Capabilities& capabilities = engine_.capabilities();
  require_scorable(capabilities, options_);
  alphas_ = {options_.alpha};
  for (const double alpha : options_.also_alphas) {
    if (capabilities.any_alpha && std::find(alphas_.begin(), alphas_.end(), alpha) == alphas_.end()) {
      alphas_.push_back(alpha);
    }
  }
  fingerprint_ = engine_.model().fingerprint + (options_.share_prefixes ? "" : "|no sharing");
}

// The way of the data: records -> tokens -> one prefix tree -> statistics of every token -> rewards -> one number.
std::vector<Scored> EndogenousScorer::score(std::span<const Request> requests) {
  std::vector<Scored> scored(requests.size());
  std::vector<ReadyResponse> ready;
  std::vector<ScoredOutcome*> outcomes;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    scored[i] = unscored(requests[i]);
    PreparedRequest prepared =
        prepare_request(engine_, requests[i], options_.text, options_.overflow, options_.turns, scored[i].responses);
    tokens_asked_ += prepared.tokens_asked;
    for (PreparedResponse& tokens : prepared.responses) {
      outcomes.push_back(&scored[i].responses[tokens.response]);
      ready.push_back({&requests[i].responses[tokens.response], std::move(tokens)});
    }
  }
  std::vector<ScoredOutcome> done = score_ready(std::move(ready));
  for (std::size_t i = 0; i < done.size(); ++i) {
    *outcomes[i] = std::move(done[i]);
  }
  return scored;
}

std::vector<ScoredOutcome> EndogenousScorer::score_ready(std::vector<ReadyResponse> responses) {
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    for (TokenizedResponse& turn : responses[i].tokens.turns) {
      Job job{i, std::move(turn), responses[i].tokens.truncated_left, {}, {}, {}, {}};
      job.key = key_of(job, options_.alpha);
      jobs.push_back(std::move(job));
    }
  }
  std::vector<Job*> unknown;
  std::map<Digest, Job*> first_with_key;
  for (Job& job : jobs) {
    if (auto known = options_.likeliest == 0 ? cache_.find(job.key) : std::nullopt) {
      job.stats = std::move(*known);
    } else if (first_with_key.try_emplace(job.key, &job).second) {
      unknown.push_back(&job);
    }
  }
  evaluate(unknown);
  for (Job& job : jobs) {
    const Job& source = job.stats.empty() ? *first_with_key.at(job.key) : job;
    job.failure = source.failure;
    if (&source != &job) {
      job.stats = source.stats;
    }
  }
  std::vector<ScoredOutcome> outcomes(responses.size());
  for (auto first = jobs.begin(); first != jobs.end();) {
    const auto last = std::find_if(first, jobs.end(), [&](const Job& job) { return job.response != first->response; });
    ScoredOutcome& outcome = outcomes[first->response];
    const auto failed = std::find_if(first, last, [](const Job& job) { return !job.failure.empty(); });
    if (failed != last) {
      outcome.error = failed->failure;
    } else {
      try {
        outcome.scored = assemble(std::span(first, last), *responses[first->response].response);
      } catch (const InvalidInput& error) {
        outcome.error = error.what();
      }
    }
    first = last;
  }
  return outcomes;
}

Digest EndogenousScorer::key_of(const Job& job, double alpha) const {
  return stats_key(fingerprint_, alpha, job.tokens.prompt, job.tokens.response);
}

// Of the jobs that are evaluated together, at all temperatures.
Digest EndogenousScorer::evaluation_of(std::span<Job* const> jobs) const {
  Sha256 hash;
  hash.update("endorm evaluation 1");
  for (const Job* job : jobs) {
    for (const double alpha : alphas_) {
      const Digest key = key_of(*job, alpha);
      hash.update(key.data(), key.size());
    }
  }
  return hash.finish();
}

void EndogenousScorer::evaluate(std::vector<Job*>& jobs) {
  if (jobs.empty()) {
    return;
  }
  std::vector<std::optional<KeptSteps>> kept;
  const auto evaluate_some = [&](std::size_t begin, std::size_t count) {
    const std::span<Job* const> some = std::span(jobs).subspan(begin, count);
    std::vector<TokenPath> paths;
    for (const Job* job : some) {
      paths.push_back({job->tokens.prompt, job->tokens.response});
    }
    std::optional<KeptSteps>& steps = kept.emplace_back();
    if (cache_.is_kept() && options_.likeliest == 0) {
      steps.emplace(cache_, evaluation_of(some));
    }
    auto stats = evaluate_paths(engine_, paths,
                                {alphas_, options_.share_prefixes, options_.likeliest, steps ? &*steps : nullptr});
    for (std::size_t i = 0; i < some.size(); ++i) {
      some[i]->stats = std::move(stats.front()[i]);
      for (std::size_t alpha = 1; alpha < alphas_.size(); ++alpha) {
        some[i]->also_stats.push_back(std::move(stats[alpha][i]));
      }
    }
  };
  together_or_each(jobs.size(), evaluate_some,
                   [&](std::size_t job, const std::string& reason) { jobs[job]->failure = reason; });
  if (options_.likeliest > 0) {
    return;
  }
  StatsCache::Transaction transaction(cache_);
  for (const Job* job : jobs) {
    if (job->failure.empty()) {
      transaction.insert(job->key, job->stats);
      for (std::size_t i = 0; i < job->also_stats.size(); ++i) {
        transaction.insert(key_of(*job, alphas_[i + 1]), job->also_stats[i]);
      }
    }
  }
  for (const std::optional<KeptSteps>& steps : kept) {
    if (steps) {
      steps->forget(transaction);
    }
  }
  transaction.commit();
}

// The rewards of all turns' tokens are those of one chain of states: what others say between two turns leads from the
// last action of one to the first state of the next.
ScoredResponse EndogenousScorer::assemble(std::span<const Job> turns, const RequestResponse& response) const {
  ScoredResponse result;
  std::vector<TokenStats> stats;
  std::vector<TokenRange> steps;
  for (const Job& turn : turns) {
    const std::size_t first = stats.size();
    stats.insert(stats.end(), turn.stats.begin(), turn.stats.end());
    const bool is_text = &turn == &turns.back() && turn.tokens.text.empty();
    std::vector<std::size_t> begins = is_text ? response.step_begins : std::vector<std::size_t>{};
    if (begins.empty() && options_.find_steps) {
      begins = split_steps(is_text ? response.text.text : turn.tokens.text, options_.step_separator);
    }
    std::vector<TokenRange> own = step_ranges(begins, turn.tokens.byte_offsets, turn.tokens.response.size());
    if (own.empty() && turns.size() > 1 && (options_.find_steps || !response.step_begins.empty())) {
      own.push_back({0, turn.tokens.response.size()});  // a turn without steps of its own is one
    }
    for (const TokenRange& step : own) {
      steps.push_back({first + step.begin, first + step.end});
    }
    result.spelled_end = result.spelled_end || turn.tokens.spelled_end;
    result.token_ids.insert(result.token_ids.end(), turn.tokens.response.begin(), turn.tokens.response.end());
  }
  result.tokens = token_rewards(stats, options_.alpha);
  result.aggregates = aggregate(log_probs_of(result.tokens), steps, options_.alpha, options_.aggregate,
                                initial_value_of(result.tokens));
  result.reward = chosen_reward(*result.aggregates, options_.aggregate.kind);
  double log_prob = 0.0;
  for (const TokenReward& token : result.tokens) {
    log_prob += token.log_prob;
  }
  result.log_prob = log_prob;
  if (engine_.capabilities().raw_logits) {
    result.value = initial_value_of(result.tokens);
  }
  result.finish = turns.back().tokens.finish;
  result.context = turns.back().tokens.context;
  result.truncated_left = turns.back().truncated_left;
  for (const TokenStats& token : stats) {
    if (options_.likeliest > 0) {
      result.likeliest.push_back(likeliest_of(token, options_.alpha));
    }
  }
  result.token_texts = token_texts(engine_, result.token_ids);
  if (options_.turns == ScoredTurns::kAll || turns.size() > 1 || !response.mask.empty()) {
    result.turns = turn_rewards(turns, result);
  }
  return result;
}

std::vector<TurnReward> EndogenousScorer::turn_rewards(std::span<const Job> turns,
                                                       const ScoredResponse& response) const {
  std::vector<TurnReward> rewards;
  AggregateOptions options = options_.aggregate;
  options.initial_value = false;
  std::size_t begin = 0;
  for (const Job& turn : turns) {
    const TokenRange range{begin, begin + turn.tokens.response.size()};
    std::vector<TokenRange> steps;
    for (const StepReward& step : response.aggregates->steps) {
      if (step.tokens.begin >= range.begin && step.tokens.end <= range.end) {
        steps.push_back({step.tokens.begin - begin, step.tokens.end - begin});
      }
    }
    const auto tokens = std::span(response.tokens).subspan(begin, range.end - range.begin);
    const Aggregates own = aggregate(log_probs_of(tokens), steps, options_.alpha, options);
    rewards.push_back({range, chosen_reward(own, options.kind), own.sum, own.mean});
    begin = range.end;
  }
  return rewards;
}

}  // namespace endorm
