#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "score/endogenous_scorer.h"
#include "score/stats_cache.h"

namespace endorm {

// More waits than the queue may hold: the client is to come again.
class QueueFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What decides which responses are computed together; none of it changes a reward beyond the rounding of batches.
struct QueueOptions {
  std::size_t most_waiting = 4096;        // responses; more are refused
  std::size_t batch_responses = 256;      // computed together
  std::size_t batch_bytes = 1 << 20;      // of their prompts and texts
  std::chrono::milliseconds linger{2};    // how long the first waits for others, and again after each that came
  std::size_t cached_tokens = 1U << 20U;  // whose statistics are kept for texts that come again
};

// Totals since the queue was made.
struct QueueCounts {
  std::size_t waiting = 0;  // responses, now
  std::size_t batches = 0;
  std::size_t responses = 0;
  std::size_t tokens_asked = 0;     // of prompts and responses
  std::size_t tokens_computed = 0;  // the rest was shared, or known
  double seconds = 0.0;             // that the model computed
};

// One model and the thread that uses it. Requests that wait are scored together: those with the prompt of the first
// before others, so that a prompt is computed once for all its responses. Thread-safe.
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

  // One Scored a request, or the InvalidInput, EngineError or defect that kept it. Throws QueueFull; InvalidInput where
  // there are more responses than a queue can ever hold.
  Ticket score(std::vector<Request> requests, const ScoreOptions& options);
  // The same for work of another kind, which counts as one response and is done alone.
  Ticket use(std::function<void(Engine&)> work);

  // Of the model; these do not change.
  const Engine& engine() const { return *engine_; }
  QueueCounts counts() const;

 private:
  struct Job;
  using Jobs = std::vector<std::shared_ptr<Job>>;

  Ticket add(std::shared_ptr<Job> job);
  void work();
  Jobs take_batch();
  void take(std::size_t place, Jobs& batch);
  void run(const Jobs& batch);
  bool score_together(std::span<const std::shared_ptr<Job>> jobs);
  void forget_when_full(std::size_t tokens);

  std::unique_ptr<Engine> engine_;
  QueueOptions options_;
  StatsCache cache_{std::nullopt};
  std::size_t cached_ = 0;  // tokens

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::size_t waiting_ = 0;   // responses of jobs_
  std::size_t arrivals_ = 0;  // jobs, ever
  bool closing_ = false;
  QueueCounts counts_;
  std::thread worker_;  // the last member: it uses all others
};

}  // namespace endorm
