#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/server/byte_budget.h"
#include "app/server/histogram.h"
#include "app/server/slice_runner.h"
#include "app/server/turn_order.h"
#include "engine/engine.h"
#include "score/endogenous_scorer.h"
#include "score/media_source.h"

namespace endorm {

struct QueuedRequest;
class QueuedWork;

// What may wait, and what is computed together. None of it changes a reward beyond the rounding of batches.
struct QueueOptions {
  std::size_t most_waiting = 4096;                    // responses, and prompts of completions; more are refused
  std::size_t waiting_tokens = std::size_t{4} << 20;  // of prompts, of responses, and to be drawn
  // Of texts and token ids, until they are answered; what else holds bytes may share it.
  std::shared_ptr<ByteBudget> budget = std::make_shared<ByteBudget>(std::size_t{256} << 20U);
  std::size_t slice_tokens = 1024;        // computed before it is seen what else waits
  std::size_t batch_responses = 256;      // in a slice
  std::chrono::milliseconds linger{2};    // how long the first waits for others, and again after each that came
  MediaRules media;                       // where images and sounds may come from, beside the request itself
  std::size_t cached_tokens = 1U << 20U;  // whose statistics are kept for texts that come again
};

// Totals since the queue was made.
struct QueueCounts {
  std::size_t waiting = 0;         // responses, now
  std::size_t waiting_tokens = 0;  // now
  std::size_t batches = 0;         // slices
  std::size_t responses = 0;
  std::size_t tokens_asked = 0;           // of prompts and responses
  std::size_t tokens_computed = 0;        // the rest was shared, or known
  double seconds = 0.0;                   // that the model computed
  SecondsHistogram wait{kSecondBorders};  // from a request's coming to its first slice
  SecondsHistogram slice_seconds{kSecondBorders};
  TokensHistogram slice_tokens{kTokenBorders};  // computed, drawn ones among them
};

// How a request waits.
struct Waiting {
  Priority priority = Priority::kHigh;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // Called once when the future is ready, by the queue's thread, or before score returns where nothing can be scored;
  // not for requests that were given up.
  std::function<void()> ready = {};
  // Takes what becomes of each record, in order, as each ends, by the same threads; the future then gives none.
  std::function<void(std::size_t record, Scored scored)> each = {};
};

// One model and the thread that uses it. What waits is computed in slices, of which all requests have their turns
// (TurnOrder); what has the same prompt is taken together, so that a prompt is computed once. A request that was given
// up, or is past its deadline, is dropped between two slices. Thread-safe.
class RewardQueue {
 public:
  // What was asked for, and the way to give it up: work that has not begun is then never done.
  struct Ticket {
    std::future<std::vector<Scored>> scored;
    std::shared_ptr<std::atomic<bool>> given_up;
  };

  RewardQueue(std::unique_ptr<Engine> engine, QueueOptions options);
  // Ends when all that was taken is done.
  ~RewardQueue();
  RewardQueue(const RewardQueue&) = delete;
  RewardQueue& operator=(const RewardQueue&) = delete;

  // One Scored a request, or the EngineError, DeadlinePassed or defect that kept it. Texts become tokens here, by the
  // calling thread. Throws QueueFull; InvalidInput where it is more than a queue can ever hold, or the engine cannot
  // give it.
  Ticket score(std::vector<Request> requests, const ScoreOptions& options, Waiting waiting = {});
  // The same for work of another kind, of parts with these costs. bytes: that it holds meanwhile.
  Ticket use(std::vector<PartCost> parts, std::size_t bytes, std::shared_ptr<QueuedWork> work, Waiting waiting = {});

  // Of the model; these do not change. From any thread: its capabilities, and what makes tokens of text.
  const Engine& engine() const { return *engine_; }
  QueueCounts counts() const;

 private:
  using Slice = std::vector<SlicePart>;

  void make_room(ByteRoom& room, std::size_t bytes) const;
  Ticket add(std::shared_ptr<QueuedRequest> queued, Waiting waiting);
  void work();
  Slice next_slice();
  void linger(std::unique_lock<std::mutex>& lock);
  void run(const Slice& slice);

  std::unique_ptr<Engine> engine_;
  QueueOptions options_;
  std::size_t longest_token_ = 0;  // bytes; 0: not known
  SliceRunner runner_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  TurnOrder order_;
  std::size_t arrivals_ = 0;  // requests, ever
  bool closing_ = false;
  QueueCounts counts_;
  std::thread worker_;  // the last member: it uses all others
};

}  // namespace endorm
