#include "app/server/time_limit.h"

#include <cstdint>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace endorm {

struct TimeLimit::Timer {
  boost::asio::steady_timer timer;
  std::uint64_t limits = 0;  // that it was ever set to
};

TimeLimit::TimeLimit(boost::asio::io_context& loop)
    : timer_(std::make_shared<Timer>(Timer{boost::asio::steady_timer(loop)})) {}
TimeLimit::~TimeLimit() { clear(); }

void TimeLimit::set(std::chrono::milliseconds after, std::shared_ptr<void> owner, std::function<void()> over) {
  timer_->timer.expires_after(after);
  timer_->timer.async_wait([timer = timer_, limit = ++timer_->limits, owner = std::move(owner),
                            over = std::move(over)](const boost::system::error_code& error) {
    if (!error && timer->limits == limit) {
      over();
    }
  });
}

void TimeLimit::clear() {
  ++timer_->limits;
  timer_->timer.cancel();
}

}  // namespace endorm
