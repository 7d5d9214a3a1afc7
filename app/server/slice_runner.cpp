#include "app/server/slice_runner.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "app/server/queued_request.h"
#include "engine/generator.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// Tokens that were computed, and for those that were drawn.
std::pair<std::size_t, std::size_t> computed(Engine& engine) {
  const Generator* generator = engine.generator();
  return {engine.tokens_computed(), generator ? generator->tokens_computed_to_generate() : 0};
}

}  // namespace

SliceCounts SliceRunner::compute(std::span<const SlicePart> slice) {
  counts_ = {};
  const auto [scored, drawn] = computed(engine_);
  std::vector<SlicePart> left;
  std::copy_if(slice.begin(), slice.end(), std::back_inserter(left),
               [](const SlicePart& part) { return !queued_of(part).work; });
  while (!left.empty()) {
    const auto others = std::stable_partition(left.begin(), left.end(), [&](const SlicePart& part) {
      return queued_of(part).options == queued_of(left.front()).options;
    });
    const std::span<const SlicePart> together(left.begin(), others);
    all_or_each(together.size(), [&](std::size_t begin, std::size_t count) {  // whose fault it is shows in each alone
      return score_together(together.subspan(begin, count));
    });
    left.erase(left.begin(), others);
  }
  do_work(slice);
  const auto [scored_now, drawn_now] = computed(engine_);
  counts_.tokens_computed = scored_now - scored;
  counts_.tokens_drawn = drawn_now - drawn;
  return counts_;
}

void SliceRunner::do_work(std::span<const SlicePart> slice) {
  std::vector<WorkParts> parts;
  std::vector<QueuedRequest*> requests;  // [parts]
  for (const SlicePart& part : slice) {
    QueuedRequest* const queued = &queued_of(part);
    if (!queued->work) {
      continue;
    }
    const auto same = std::find(requests.begin(), requests.end(), queued);
    if (same != requests.end()) {  // it had another turn in this slice
      parts[static_cast<std::size_t>(same - requests.begin())].end = part.end;
      continue;
    }
    requests.push_back(queued);
    parts.push_back({queued->work.get(), part.begin, part.end, [queued] {
                       if (queued->over(Clock::now())) {
                         throw late();
                       }
                     }});
  }
  counts_.tokens_asked += do_together(engine_, parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    requests[i]->failure = parts[i].failure;
  }
}

bool SliceRunner::score_together(std::span<const SlicePart> parts) {
  try {
    std::vector<ReadyResponse> ready;
    std::size_t asked = 0;
    for (const SlicePart& part : parts) {
      for (std::size_t i = part.begin; i < part.end; ++i) {
        ready.push_back(queued_of(part).ready(i));
        for (const TokenizedResponse& turn : ready.back().tokens.turns) {
          asked += turn.prompt.size() + turn.response.size();
        }
      }
    }
    const ScoreOptions& options = queued_of(parts.front()).options;
    EndogenousScorer scorer(engine_, cache_, options);
    std::vector<ScoredOutcome> outcomes = scorer.score_ready(std::move(ready));
    std::size_t scored_tokens = 0;
    for (const ScoredOutcome& outcome : outcomes) {
      scored_tokens += outcome.scored ? outcome.scored->tokens.size() : 0;
    }
    counts_.responses += outcomes.size();
    counts_.tokens_asked += asked;
    forget_when_full(scored_tokens * (1 + options.also_alphas.size()));
    auto next = outcomes.begin();
    for (const SlicePart& part : parts) {
      QueuedRequest& queued = queued_of(part);
      for (std::size_t i = part.begin; i < part.end; ++i) {
        const QueuedRequest::Place& place = queued.places[i];
        queued.scored[place.request].responses[place.tokens.response] = std::move(*next++);
      }
      queued.answered = true;
    }
    return true;
  } catch (...) {
    if (parts.size() == 1) {
      const SlicePart& part = parts.front();
      queued_of(part).fail(part.begin, part.end, std::current_exception());
    }
    return false;
  }
}

void SliceRunner::forget_when_full(std::size_t tokens) {
  cached_ += tokens;
  if (cached_ > cached_tokens_) {
    cache_ = StatsCache(std::nullopt);
    cached_ = 0;
  }
}

}  // namespace endorm
