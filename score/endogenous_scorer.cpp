#include "score/endogenous_scorer.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/errors.h"
#include "core/reward.h"
#include "core/temperature.h"
#include "engine/path_statistics.h"
#include "score/request_tokens.h"
#include "score/step_ranges.h"
#include "score/together_or_each.h"
#include "score/token_texts.h"

namespace endorm {

// One response on its way through the model.
struct EndogenousScorer::Job {
  std::size_t request = 0;
  std::size_t response = 0;
  TokenizedResponse tokens;
  std::size_t truncated_left = 0;
  Digest key{};                                     // of everything that determines the statistics, at options_.alpha
  std::vector<TokenStats> stats;                    // [T], once it is known
  std::vector<std::vector<TokenStats>> also_stats;  // [alphas_ behind the first][T], where they were computed with it
  std::string failure;                              // why it is not
};

void check_score_options(const ScoreOptions& options) {
  aggregate(std::array{TokenReward{}}, {}, options.alpha, options.aggregate);  // a trial on one token
  for (const double alpha : options.also_alphas) {
    require_temperature(alpha, "score");
  }
}

EndogenousScorer::EndogenousScorer(Engine& engine, StatsCache& cache, ScoreOptions options)
    : engine_(engine), cache_(cache), options_(std::move(options)) {
  const Capabilities& capabilities = engine_.capabilities();
  if (options_.aggregate.initial_value && !capabilities.raw_logits) {
    throw InvalidInput("[score] V(s_1) cannot be added: " + capabilities.missing_reason);
  }
  if (options_.alpha != 1.0 && !capabilities.any_alpha) {
    throw InvalidInput("[score] alpha other than 1 cannot be had: " + capabilities.missing_reason);
  }
  alphas_ = {options_.alpha};
  for (const double alpha : options_.also_alphas) {
    if (capabilities.any_alpha && std::find(alphas_.begin(), alphas_.end(), alpha) == alphas_.end()) {
      alphas_.push_back(alpha);
    }
  }
  fingerprint_ = engine_.fingerprint() + (options_.share_prefixes ? "" : "|no sharing");
}

// The way of the data: records -> tokens -> one prefix tree -> statistics of every token -> rewards -> one number.
std::vector<Scored> EndogenousScorer::score(std::span<const Request> requests) {
  std::vector<Scored> scored(requests.size());
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    prepare(requests[i], i, jobs, scored[i]);
  }
  std::vector<Job*> unknown;
  std::map<Digest, Job*> first_with_key;
  for (Job& job : jobs) {
    if (auto known = cache_.find(job.key)) {
      job.stats = std::move(*known);
    } else if (first_with_key.try_emplace(job.key, &job).second) {
      unknown.push_back(&job);
    }
  }
  evaluate(unknown);
  for (Job& job : jobs) {
    const Job& source = job.stats.empty() ? *first_with_key.at(job.key) : job;
    ScoredOutcome& outcome = scored[job.request].responses[job.response];
    if (!source.failure.empty()) {
      outcome.error = source.failure;
      continue;
    }
    if (&source != &job) {
      job.stats = source.stats;
    }
    try {
      outcome.scored = assemble(job, requests[job.request].responses[job.response]);
    } catch (const InvalidInput& error) {
      outcome.error = error.what();
    }
  }
  return scored;
}

void EndogenousScorer::prepare(const Request& request, std::size_t index, std::vector<Job>& jobs, Scored& scored) {
  scored.id = request.id;
  scored.line = request.line;
  scored.key = request.key;
  scored.responses.resize(request.responses.size());
  PreparedRequest prepared = prepare_request(engine_, request, options_.text, options_.overflow, scored.responses);
  tokens_asked_ += prepared.tokens_asked;
  for (auto& [response, tokens, truncated_left] : prepared.responses) {
    Job job{index, response, std::move(tokens), truncated_left, {}, {}, {}, {}};
    job.key = key_of(job, options_.alpha);
    jobs.push_back(std::move(job));
  }
}

Digest EndogenousScorer::key_of(const Job& job, double alpha) const {
  return stats_key(fingerprint_, alpha, job.tokens.prompt, job.tokens.response);
}

void EndogenousScorer::evaluate(std::vector<Job*>& jobs) {
  if (jobs.empty()) {
    return;
  }
  const auto evaluate_some = [&](std::size_t begin, std::size_t count) {
    const std::span<Job* const> some = std::span(jobs).subspan(begin, count);
    std::vector<TokenPath> paths;
    for (const Job* job : some) {
      paths.push_back({job->tokens.prompt, job->tokens.response});
    }
    auto stats = evaluate_paths(engine_, paths, alphas_, {.share_prefixes = options_.share_prefixes});
    for (std::size_t i = 0; i < some.size(); ++i) {
      some[i]->stats = std::move(stats.front()[i]);
      for (std::size_t alpha = 1; alpha < alphas_.size(); ++alpha) {
        some[i]->also_stats.push_back(std::move(stats[alpha][i]));
      }
    }
  };
  together_or_each(jobs.size(), evaluate_some,
                   [&](std::size_t job, const std::string& reason) { jobs[job]->failure = reason; });
  StatsCache::Transaction transaction(cache_);
  for (const Job* job : jobs) {
    if (job->failure.empty()) {
      transaction.insert(job->key, job->stats);
      for (std::size_t i = 0; i < job->also_stats.size(); ++i) {
        transaction.insert(key_of(*job, alphas_[i + 1]), job->also_stats[i]);
      }
    }
  }
  transaction.commit();
}

ScoredResponse EndogenousScorer::assemble(const Job& job, const RequestResponse& response) const {
  ScoredResponse result;
  result.tokens = token_rewards(job.stats, options_.alpha);
  std::vector<std::size_t> begins = response.step_begins;
  if (begins.empty() && options_.find_steps) {
    begins = split_steps(response.text.text, options_.step_separator);
  }
  const std::vector<TokenRange> steps = step_ranges(begins, job.tokens.byte_offsets, job.tokens.response.size());
  result.aggregates = aggregate(result.tokens, steps, options_.alpha, options_.aggregate);
  result.reward = chosen_reward(*result.aggregates, options_.aggregate.kind);
  double log_prob = 0.0;
  for (const TokenReward& token : result.tokens) {
    log_prob += token.log_prob;
  }
  result.log_prob = log_prob;
  if (engine_.capabilities().raw_logits) {
    result.value = result.tokens.front().value;
  }
  result.finish = job.tokens.finish;
  result.truncated_left = job.truncated_left;
  result.token_ids = job.tokens.response;
  result.token_texts = token_texts(engine_, job.tokens.response);
  return result;
}

}  // namespace endorm
