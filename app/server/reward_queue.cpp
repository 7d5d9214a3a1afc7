#include "app/server/reward_queue.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

// A batch that keeps growing is begun after this many times the linger.
constexpr int kMostLingers = 10;

std::size_t bytes_of(const Request& request) {
  std::size_t bytes = request.template_arguments.size();
  for (const Message& message : request.messages) {
    bytes += message.content.size() + message.fields.size();
  }
  bytes += request.prompt_ids ? request.prompt_ids->size() * sizeof(Token) : 0;
  for (const RequestResponse& response : request.responses) {
    bytes += response.text.text.size() + response.text.fields.size();
    bytes += response.ids ? response.ids->size() * sizeof(Token) : 0;
  }
  return bytes;
}

bool same_prompt(const Request& left, const Request& right) {
  return left.raw == right.raw && left.messages == right.messages && left.prompt_ids == right.prompt_ids &&
         left.template_arguments == right.template_arguments;
}

}  // namespace

struct RewardQueue::Job {
  std::vector<Request> requests;
  ScoreOptions options;
  std::function<void(Engine&)> work;  // in the place of requests
  std::size_t responses = 1;
  std::size_t bytes = 0;
  std::promise<std::vector<Scored>> scored;
  std::shared_ptr<std::atomic<bool>> given_up = std::make_shared<std::atomic<bool>>(false);
};

RewardQueue::RewardQueue(std::unique_ptr<Engine> engine, QueueOptions options)
    : engine_(std::move(engine)), options_(options), worker_([this] { work(); }) {}

RewardQueue::~RewardQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

RewardQueue::Ticket RewardQueue::score(std::vector<Request> requests, const ScoreOptions& options) {
  auto job = std::make_shared<Job>();
  job->responses = 0;
  for (const Request& request : requests) {
    job->responses += request.responses.size();
    job->bytes += bytes_of(request);
  }
  job->requests = std::move(requests);
  job->options = options;
  return add(std::move(job));
}

RewardQueue::Ticket RewardQueue::use(std::function<void(Engine&)> work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  return add(std::move(job));
}

RewardQueue::Ticket RewardQueue::add(std::shared_ptr<Job> job) {
  Ticket ticket{job->scored.get_future(), job->given_up};
  {
    const std::lock_guard lock(mutex_);
    if (job->responses > options_.most_waiting) {
      throw InvalidInput("[queue] " + std::to_string(job->responses) + " responses in one request, the server takes " +
                         std::to_string(options_.most_waiting) + ". Send them in parts.");
    }
    if (waiting_ + job->responses > options_.most_waiting) {
      throw QueueFull("[queue] " + std::to_string(waiting_) + " responses wait already, the server keeps " +
                      std::to_string(options_.most_waiting) + ". Send the request again later.");
    }
    waiting_ += job->responses;
    ++arrivals_;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
  return ticket;
}

QueueCounts RewardQueue::counts() const {
  const std::lock_guard lock(mutex_);
  QueueCounts counts = counts_;
  counts.waiting = waiting_;
  return counts;
}

void RewardQueue::work() {
  for (Jobs batch = take_batch(); !batch.empty(); batch = take_batch()) {
    const auto began = std::chrono::steady_clock::now();
    const std::size_t computed = engine_->tokens_computed();
    run(batch);
    const std::lock_guard lock(mutex_);
    ++counts_.batches;
    counts_.tokens_computed += engine_->tokens_computed() - computed;
    counts_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }
}

// The first job that waits and what is best computed with it. Empty where the queue is closed and nothing waits.
RewardQueue::Jobs RewardQueue::take_batch() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
  const auto latest = std::chrono::steady_clock::now() + kMostLingers * options_.linger;
  for (std::size_t seen = 0; !closing_ && seen != arrivals_ && waiting_ < options_.batch_responses;) {
    seen = arrivals_;
    const auto until = std::min(latest, std::chrono::steady_clock::now() + options_.linger);
    changed_.wait_until(lock, until, [&] { return closing_ || arrivals_ != seen; });
  }
  Jobs batch;
  std::size_t responses = 0;
  std::size_t bytes = 0;
  const auto fits = [&](const Job& job) {
    return batch.empty() ||
           (!job.work && !batch.front()->work && responses + job.responses <= options_.batch_responses &&
            bytes + job.bytes <= options_.batch_bytes);
  };
  while (!jobs_.empty() && (fits(*jobs_.front()) || *jobs_.front()->given_up)) {
    const std::size_t first = batch.size();
    take(0, batch);
    if (batch.size() == first) {
      continue;  // nobody waits for it any more
    }
    responses += batch[first]->responses;
    bytes += batch[first]->bytes;
    for (std::size_t i = 0; i < jobs_.size() && !batch[first]->work;) {
      const Job& other = *jobs_[i];
      if (other.work || other.requests.empty() ||
          !same_prompt(other.requests.front(), batch[first]->requests.front()) || !fits(other)) {
        ++i;
        continue;
      }
      const std::size_t before = batch.size();
      take(i, batch);
      if (batch.size() > before) {
        responses += batch.back()->responses;
        bytes += batch.back()->bytes;
      }
    }
  }
  if (batch.empty() && !closing_) {  // all that waited was given up
    lock.unlock();
    return take_batch();
  }
  return batch;
}

// Moves a job from the queue into the batch, or drops it where it was given up.
void RewardQueue::take(std::size_t place, Jobs& batch) {
  const std::shared_ptr<Job> job = jobs_[place];
  jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(place));
  waiting_ -= job->responses;
  if (!*job->given_up) {
    batch.push_back(job);
  }
}

void RewardQueue::run(const Jobs& batch) {
  if (batch.front()->work) {
    try {
      batch.front()->work(*engine_);
      batch.front()->scored.set_value({});
    } catch (...) {
      batch.front()->scored.set_exception(std::current_exception());
    }
    return;
  }
  Jobs left = batch;
  while (!left.empty()) {
    const auto others = std::stable_partition(left.begin(), left.end(), [&](const std::shared_ptr<Job>& job) {
      return job->options == left.front()->options;
    });
    const std::span<const std::shared_ptr<Job>> together(left.begin(), others);
    all_or_each(together.size(), [&](std::size_t begin, std::size_t count) {  // whose fault it is shows in each alone
      return score_together(together.subspan(begin, count));
    });
    left.erase(left.begin(), others);
  }
}

bool RewardQueue::score_together(std::span<const std::shared_ptr<Job>> jobs) {
  std::vector<Request> requests;
  for (const std::shared_ptr<Job>& job : jobs) {
    requests.insert(requests.end(), job->requests.begin(), job->requests.end());
  }
  try {
    EndogenousScorer scorer(*engine_, cache_, jobs.front()->options);
    std::vector<Scored> scored = scorer.score(requests);
    const std::size_t temperatures = 1 + jobs.front()->options.also_alphas.size();
    std::size_t scored_tokens = 0;
    std::size_t responses = 0;
    for (const Scored& of_request : scored) {
      for (const ScoredOutcome& outcome : of_request.responses) {
        scored_tokens += outcome.scored ? temperatures * outcome.scored->tokens.size() : 0;
        ++responses;
      }
    }
    {
      const std::lock_guard lock(mutex_);
      counts_.responses += responses;
      counts_.tokens_asked += *scorer.tokens_asked();
    }
    forget_when_full(scored_tokens);
    auto next = scored.begin();
    for (const std::shared_ptr<Job>& job : jobs) {
      const auto end = next + static_cast<std::ptrdiff_t>(job->requests.size());
      job->scored.set_value({std::make_move_iterator(next), std::make_move_iterator(end)});
      next = end;
    }
    return true;
  } catch (...) {
    if (jobs.size() == 1) {
      jobs.front()->scored.set_exception(std::current_exception());
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
