#include "app/server/reward_queue.h"

#include <algorithm>
#include <utility>

#include "app/server/queued_request.h"
#include "core/errors.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// A batch that keeps growing is begun after this many times the linger.
constexpr int kMostLingers = 10;

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

}  // namespace

RewardQueue::RewardQueue(std::unique_ptr<Engine> engine, QueueOptions options)
    : engine_(std::move(engine)),
      options_(std::move(options)),
      longest_token_(longest_token(*engine_)),
      runner_(*engine_, options_.cached_tokens),
      order_({options_.slice_tokens, options_.batch_responses, engine_->capabilities().kept_tokens}),
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
  for (Request& request : requests) {
    load_or_refuse(request, options_.media);
  }
  const std::size_t bytes = bytes_of(requests);
  ByteRoom room(options_.budget);
  make_room(room, bytes);
  std::shared_ptr<QueuedRequest> queued = queued_responses(*engine_, std::move(requests), options, longest_token_);
  make_room(room, bytes + TurnOrder::counts_of(*queued).tokens * sizeof(Token));
  queued->room = std::move(room);
  return add(std::move(queued), std::move(waiting));
}

RewardQueue::Ticket RewardQueue::use(std::vector<PartCost> parts, std::size_t bytes, std::shared_ptr<QueuedWork> work,
                                     Waiting waiting) {
  auto queued = std::make_shared<QueuedRequest>();
  queued->room = ByteRoom(options_.budget);
  make_room(queued->room, bytes);
  queued->parts = std::move(parts);
  queued->work = std::move(work);
  return add(std::move(queued), std::move(waiting));
}

void RewardQueue::make_room(ByteRoom& room, std::size_t bytes) const {
  refuse_beyond(bytes, options_.budget->most(), "bytes of texts and their tokens");
  if (!room.grow_to(bytes)) {
    throw no_room(*options_.budget);
  }
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
    queued->tell_records(0);
    queued->settle();
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
        queued.failure = std::make_exception_ptr(late());
        queued.settle();
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
  const auto began = Clock::now();
  const SliceCounts took = runner_.compute(slice);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  {
    const std::lock_guard lock(mutex_);
    ++counts_.batches;
    counts_.responses += took.responses;
    counts_.tokens_asked += took.tokens_asked;
    counts_.tokens_computed += took.tokens_computed;
    counts_.seconds += seconds;
    counts_.slice_seconds.add(seconds);
    counts_.slice_tokens.add(static_cast<double>(took.tokens_computed + took.tokens_drawn));
    for (const SlicePart& part : slice) {
      if (part.begin == 0) {
        counts_.wait.add(std::chrono::duration<double>(began - queued_of(part).came).count());
      }
    }
  }
  for (const SlicePart& part : slice) {
    QueuedRequest& queued = queued_of(part);
    if (!queued.work && !queued.failure) {
      queued.tell_records(part.end);
    }
    if (queued.failure || part.end == queued.parts.size()) {
      queued.settle();
      *queued.given_up = true;  // of one that failed, nothing is left to do
    }
  }
}

}  // namespace endorm
