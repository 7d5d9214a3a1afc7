#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "app/server/http_connection.h"
#include "app/server/http_message.h"
#include "app/server/time_limit.h"

namespace endorm {

// One request that was taken, until its answer is sent or its client has left. As a reply it may be called from any
// thread, all else by the thread of the loop.
class HttpExchange : public HttpReply, public std::enable_shared_from_this<HttpExchange> {
 public:
  // What brings the answer to the client.
  struct Way {
    std::function<void(HttpAnswer answer)> send;
    std::function<void(HttpAnswer head, std::function<HttpPiece()> next)> stream;
    std::function<void()> more;
  };

  HttpExchange(HttpHouse& house, Way way) : house_(house), way_(std::move(way)) { ++house_.busy; }

  void send(HttpAnswer answer) override;
  void stream(HttpAnswer head, std::function<HttpPiece()> next) override;
  void more() override;
  void when_left(std::function<void()> left) override;
  void when_late(std::chrono::milliseconds after, std::function<void()> late) override;

  // All was sent: what is still said is not heard.
  void was_sent();
  // The client has left. told: there was something that it did not wait for.
  void was_left(bool told);

 private:
  enum class State { kTaken, kAnswered, kSent, kLeft };

  template <typename Act>
  void by_loop(Act act);
  void end(State state);

  HttpHouse& house_;
  Way way_;
  State state_ = State::kTaken;
  std::function<void()> left_;
  std::optional<TimeLimit> late_;
};

}  // namespace endorm
