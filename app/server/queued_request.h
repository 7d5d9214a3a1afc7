#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "app/server/byte_budget.h"
#include "app/server/queued_work.h"
#include "app/server/turn_order.h"
#include "engine/engine.h"
#include "score/endogenous_scorer.h"
#include "score/media_source.h"

namespace endorm {

// More waits than may: the client is to come again.
class QueueFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
QueueFull no_room(const ByteBudget& budget);

// The time of a request was over before all of it was done.
class DeadlinePassed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
DeadlinePassed late();

// A request of a queue, from its tokens to what became of it. What is to be done is responses to be scored, one a part,
// or `work`.
struct QueuedRequest : WaitingRequest {
  struct Place {
    std::size_t request = 0;               // among `requests`
    std::shared_ptr<const Tokens> prompt;  // of the first turn, which neighbours share
    PreparedResponse tokens;               // without that prompt
  };

  // The response of one part, whole.
  ReadyResponse ready(std::size_t part) const;

  // Parts [begin, end) were not done, for this reason: an engine's or a caller's fault is of these alone.
  void fail(std::size_t begin, std::size_t end, const std::exception_ptr& thrown);
  // Hands over the records of which no part is left where so many parts are done.
  void tell_records(std::size_t parts_done);
  // Tells whoever waits for it, once.
  void settle();

  std::vector<Request> requests;
  ScoreOptions options;
  std::vector<Place> places;         // [parts]
  std::shared_ptr<QueuedWork> work;  // none: responses

  std::chrono::steady_clock::time_point came;
  std::vector<Scored> scored;                                    // [requests]
  std::function<void(std::size_t request, Scored scored)> each;  // takes them as they end, in order; none: held
  std::size_t told = 0;                                          // of them
  bool answered = false;                                         // one of the responses at least
  std::exception_ptr engine_failure;                             // the first that took a response
  std::exception_ptr failure;                                    // ends all
  bool settled = false;
  std::promise<std::vector<Scored>> promise;
  std::function<void()> done;
  ByteRoom room;  // of its texts and tokens
};

// The request of a part in a queue.
inline QueuedRequest& queued_of(const SlicePart& part) { return static_cast<QueuedRequest&>(*part.request); }

// Of texts and token ids.
std::size_t bytes_of(std::span<const Request> requests);
// Reads the media of a request. Where one cannot be read its responses are refused, each, and no others.
void load_or_refuse(Request& request, const MediaRules& rules);
std::size_t responses_of(std::span<const Request> requests);

// Requests as parts with their costs, tokenized: one part a response that can be scored; the outcome of any other says
// why. longest_token: bytes; 0: not known. A text that must be longer than the context is refused before it becomes
// tokens.
std::shared_ptr<QueuedRequest> queued_responses(const Engine& engine, std::vector<Request> requests,
                                                const ScoreOptions& options, std::size_t longest_token);

}  // namespace endorm
