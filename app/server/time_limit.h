#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace endorm {

// What is done when a time is over; one at once: the latest. Used by the thread of the loop.
class TimeLimit {
 public:
  explicit TimeLimit(boost::asio::io_context& loop);
  ~TimeLimit();

  // owner: is kept until then, as what holds this and what is done.
  void set(std::chrono::milliseconds after, std::shared_ptr<void> owner, std::function<void()> over);
  void clear();

 private:
  struct Timer;
  std::shared_ptr<Timer> timer_;  // outlives this where it was over already
};

}  // namespace endorm
