#include "app/server/reward_queue.h"

#include <algorithm>
#include <utility>

#include "app/server/queued_request.h"
#include "core/errors.h"
#include "engine/generator.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// A batch that keeps growing is begun after this many times the linger.
constexpr int kMostLingers = 10;
constexpr const char* kLate = "the request was not answered in time. Send less at once.";

QueuedRequest& of(const SlicePart& part) { return static_cast<QueuedRequest&>(*part.request); }

// Bytes of the longest token; 0 where asking for each would take long.
std::size_t longest_token(const Engine& engine) {
  std::size_t longest = 0;
  const std::size_t tokens = engine.text_form() == nullptr ? 0 : engine.model().vocabulary;
  for (std::size_t token = 0; token < tokens; ++token) {
    longest = std::max(longest, engine.token_bytes(static_cast<Token>(token)).size());
  }
  return longest;
}

void refuse_beyond(std::size_t asked, std::size_t most, const std::string& what) {
  if (asked > most) {
    throw InvalidInput("[queue] the request has " + std::to_string(asked) + " " + what + ", the server takes " +
                       std::to_string(most) + " at once. Send it in parts.");
  }
}

void refuse_while_full(std::size_t waiting, std::size_t asked, std::size_t most, const std::string& what) {
  if (waiting + asked > most) {
    throw QueueFull("[queue] " + std::to_string(waiting) + " " + what + " wait already, the server keeps " +
                    std::to_string(most) + ". Send the request again later.");
  }
}

// Tells whoever waits for it, once.
void settle(QueuedRequest& queued) {
  if (queued.settled) {
    return;
  }
  queued.settled = true;
  if (queued.failure) {
    queued.promise.set_exception(queued.failure);
  } else if (queued.engine_failure && !queued.answered && !queued.each) {  // the engine is gone
    queued.promise.set_exception(queued.engine_failure);
  } else {
    queued.promise.set_value(queued.each ? std::vector<Scored>{} : std::move(queued.scored));
  }
  if (queued.done) {
    queued.done();
  }
}

// Hands over the records of which no part is left.
void tell_records(QueuedRequest& queued, std::size_t parts_done) {
  const bool all = parts_done == queued.parts.size();
  const std::size_t ended = all ? queued.scored.size() : queued.places[parts_done].request;
  try {
    for (; queued.each && queued.told < ended; ++queued.told) {
      queued.each(queued.told, std::move(queued.scored[queued.told]));
    }
  } catch (...) {
    queued.failure = std::current_exception();
  }
}

void note_failure(const SlicePart& part) {
  QueuedRequest& queued = of(part);
  try {
    throw;
  } catch (const InternalError&) {
    queued.failure = std::current_exception();
  } catch (const Error& error) {
    for (std::size_t i = part.begin; i < part.end; ++i) {
      const QueuedRequest::Place& place = queued.places[i];
      queued.scored[place.request].responses[place.tokens.response].error = error.what();
    }
    queued.engine_failure = queued.engine_failure ? queued.engine_failure : std::current_exception();
  } catch (...) {
    queued.failure = std::current_exception();
  }
}

}  // namespace

RewardQueue::RewardQueue(std::unique_ptr<Engine> engine, QueueOptions options)
    : engine_(std::move(engine)),
      options_(options),
      longest_token_(longest_token(*engine_)),
      order_({options.slice_tokens, options.batch_responses, engine_->capabilities().kept_tokens}),
      worker_([this] { work(); }) {}

RewardQueue::~RewardQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

RewardQueue::Ticket RewardQueue::score(std::vector<Request> requests, const ScoreOptions& options, Waiting waiting) {
  require_scorable(engine_->capabilities(), options);
  refuse_beyond(responses_of(requests), options_.most_waiting, "responses");
  const std::size_t bytes = bytes_of(requests);
  std::shared_ptr<void> room = room_for(bytes);
  std::shared_ptr<QueuedRequest> queued = queued_responses(*engine_, std::move(requests), options, longest_token_);
  const std::size_t token_bytes = TurnOrder::counts_of(*queued).tokens * sizeof(Token);
  refuse_beyond(bytes + token_bytes, options_.waiting_bytes, "bytes of texts and their tokens");
  queued->rooms = {std::move(room), room_for(token_bytes)};
  return add(std::move(queued), std::move(waiting));
}

RewardQueue::Ticket RewardQueue::use(std::vector<PartCost> parts, std::size_t bytes,
                                     std::function<void(Engine&, std::size_t part)> work, Waiting waiting) {
  auto queued = std::make_shared<QueuedRequest>();
  queued->rooms = {room_for(bytes)};
  queued->parts = std::move(parts);
  queued->work = std::move(work);
  return add(std::move(queued), std::move(waiting));
}

std::shared_ptr<void> RewardQueue::room_for(std::size_t bytes) {
  refuse_beyond(bytes, options_.waiting_bytes, "bytes of texts");
  const std::shared_ptr<std::atomic<std::size_t>> held = held_bytes_;
  const std::size_t before = held->fetch_add(bytes);
  std::shared_ptr<void> room(nullptr, [held, bytes](void*) { held->fetch_sub(bytes); });
  refuse_while_full(before, bytes, options_.waiting_bytes, "bytes of texts");
  return room;
}

RewardQueue::Ticket RewardQueue::add(std::shared_ptr<QueuedRequest> queued, Waiting waiting) {
  queued->priority = waiting.priority;
  queued->deadline = waiting.deadline;
  queued->done = std::move(waiting.ready);
  queued->each = std::move(waiting.each);
  queued->came = Clock::now();
  Ticket ticket{queued->promise.get_future(), queued->given_up};
  const WaitingCounts asked = TurnOrder::counts_of(*queued);
  refuse_beyond(asked.responses, options_.most_waiting, "prompts");
  refuse_beyond(asked.tokens, options_.waiting_tokens, "tokens, those to be drawn among them");
  if (queued->parts.empty()) {  // no response has anything to score
    tell_records(*queued, 0);
    settle(*queued);
    return ticket;
  }
  {
    const std::lock_guard lock(mutex_);
    const WaitingCounts waits = order_.waiting();
    refuse_while_full(waits.responses, asked.responses, options_.most_waiting, "responses");
    refuse_while_full(waits.tokens, asked.tokens, options_.waiting_tokens, "tokens");
    ++arrivals_;
    order_.add(std::move(queued));
  }
  changed_.notify_all();
  return ticket;
}

QueueCounts RewardQueue::counts() const {
  const std::lock_guard lock(mutex_);
  QueueCounts counts = counts_;
  counts.waiting = order_.waiting().responses;
  counts.waiting_tokens = order_.waiting().tokens;
  counts.held_bytes = *held_bytes_;
  return counts;
}

void RewardQueue::work() {
  while (true) {
    const Slice slice = next_slice();  // what it holds goes before the next is waited for
    if (slice.empty()) {
      return;
    }
    run(slice);
  }
}

// Empty where the queue is closed and nothing waits.
RewardQueue::Slice RewardQueue::next_slice() {
  while (true) {
    std::vector<std::shared_ptr<WaitingRequest>> dropped;
    Slice slice;
    bool closed = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !order_.empty(); });
      linger(lock);
      dropped = order_.drop(Clock::now());
      slice = order_.take();
      closed = closing_;
    }
    for (const std::shared_ptr<WaitingRequest>& request : dropped) {
      auto& queued = static_cast<QueuedRequest&>(*request);
      if (!*queued.given_up) {
        queued.failure = std::make_exception_ptr(DeadlinePassed(kLate));
        settle(queued);
      }
    }
    if (!slice.empty() || closed) {
      return slice;
    }
  }
}

// Waits for others where there is less than a slice.
void RewardQueue::linger(std::unique_lock<std::mutex>& lock) {
  const auto latest = Clock::now() + kMostLingers * options_.linger;
  const auto room = [this] {
    const WaitingCounts waits = order_.waiting();
    return waits.responses < options_.batch_responses && waits.tokens < options_.slice_tokens;
  };
  for (std::size_t seen = 0; !closing_ && seen != arrivals_ && room();) {
    seen = arrivals_;
    const auto until = std::min(latest, Clock::now() + options_.linger);
    changed_.wait_until(lock, until, [&] { return closing_ || arrivals_ != seen; });
  }
}

void RewardQueue::run(const Slice& slice) {
  const auto computed = [this] {
    const Generator* generator = engine_->generator();
    return std::pair(engine_->tokens_computed(), generator ? generator->tokens_computed_to_generate() : 0);
  };
  const auto began = Clock::now();
  const auto [scored, drawn] = computed();
  compute(slice);
  const auto [scored_now, drawn_now] = computed();
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  {
    const std::lock_guard lock(mutex_);
    ++counts_.batches;
    counts_.tokens_computed += scored_now - scored;
    counts_.seconds += seconds;
    counts_.slice_seconds.add(seconds);
    counts_.slice_tokens.add(static_cast<double>(scored_now - scored + drawn_now - drawn));
    for (const SlicePart& part : slice) {
      if (part.begin == 0) {
        counts_.wait.add(std::chrono::duration<double>(began - of(part).came).count());
      }
    }
  }
  for (const SlicePart& part : slice) {
    QueuedRequest& queued = of(part);
    if (!queued.work && !queued.failure) {
      tell_records(queued, part.end);
    }
    if (queued.failure || part.end == queued.parts.size()) {
      settle(queued);
      *queued.given_up = true;  // of one that failed, nothing is left to do
    }
  }
}

void RewardQueue::compute(const Slice& slice) {
  Slice left;
  std::copy_if(slice.begin(), slice.end(), std::back_inserter(left),
               [](const SlicePart& part) { return !of(part).work; });
  while (!left.empty()) {
    const auto others = std::stable_partition(
        left.begin(), left.end(), [&](const SlicePart& part) { return of(part).options == of(left.front()).options; });
    const std::span<const SlicePart> together(left.begin(), others);
    all_or_each(together.size(), [&](std::size_t begin, std::size_t count) {  // whose fault it is shows in each alone
      return score_together(together.subspan(begin, count));
    });
    left.erase(left.begin(), others);
  }
  for (const SlicePart& part : slice) {
    if (of(part).work) {
      use_engine(part);
    }
  }
}

void RewardQueue::use_engine(const SlicePart& part) {
  QueuedRequest& queued = of(part);
  try {
    for (std::size_t i = part.begin; i < part.end; ++i) {
      if (queued.over(Clock::now())) {
        throw DeadlinePassed(kLate);
      }
      queued.work(*engine_, i);
    }
  } catch (...) {
    queued.failure = std::current_exception();
  }
}

bool RewardQueue::score_together(std::span<const SlicePart> parts) {
  try {
    std::vector<ReadyResponse> ready;
    std::size_t asked = 0;
    for (const SlicePart& part : parts) {
      for (std::size_t i = part.begin; i < part.end; ++i) {
        ready.push_back(of(part).ready(i));
        for (const TokenizedResponse& turn : ready.back().tokens.turns) {
          asked += turn.prompt.size() + turn.response.size();
        }
      }
    }
    const ScoreOptions& options = of(parts.front()).options;
    EndogenousScorer scorer(*engine_, cache_, options);
    std::vector<ScoredOutcome> outcomes = scorer.score_ready(std::move(ready));
    std::size_t scored_tokens = 0;
    for (const ScoredOutcome& outcome : outcomes) {
      scored_tokens += outcome.scored ? outcome.scored->tokens.size() : 0;
    }
    {
      const std::lock_guard lock(mutex_);
      counts_.responses += outcomes.size();
      counts_.tokens_asked += asked;
    }
    forget_when_full(scored_tokens * (1 + options.also_alphas.size()));
    auto next = outcomes.begin();
    for (const SlicePart& part : parts) {
      QueuedRequest& queued = of(part);
      for (std::size_t i = part.begin; i < part.end; ++i) {
        const QueuedRequest::Place& place = queued.places[i];
        queued.scored[place.request].responses[place.tokens.response] = std::move(*next++);
      }
      queued.answered = true;
    }
    return true;
  } catch (...) {
    if (parts.size() == 1) {
      note_failure(parts.front());
    }
    return false;
  }
}

void RewardQueue::forget_when_full(std::size_t tokens) {
  cached_ += tokens;
  if (cached_ > options_.cached_tokens) {
    cache_ = StatsCache(std::nullopt);
    cached_ = 0;
  }
}

}  // namespace endorm
