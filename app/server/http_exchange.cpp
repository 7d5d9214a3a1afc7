#include "app/server/http_exchange.h"

#include <utility>

namespace endorm {

template <typename Act>
void HttpExchange::by_loop(Act act) {
  house_.dispatch([self = shared_from_this(), act = std::move(act)]() mutable { act(*self); });
}

void HttpExchange::send(HttpAnswer answer) {
  by_loop([answer = std::move(answer)](HttpExchange& exchange) mutable {
    if (exchange.state_ == State::kTaken) {
      exchange.state_ = State::kAnswered;
      exchange.late_.reset();
      exchange.left_ = nullptr;
      exchange.way_.send(std::move(answer));
    }
  });
}

void HttpExchange::stream(HttpAnswer head, std::function<HttpPiece()> next) {
  by_loop([head = std::move(head), next = std::move(next)](HttpExchange& exchange) mutable {
    if (exchange.state_ == State::kTaken) {
      exchange.state_ = State::kAnswered;
      exchange.late_.reset();
      exchange.way_.stream(std::move(head), std::move(next));
    }
  });
}

void HttpExchange::more() {
  by_loop([](HttpExchange& exchange) {
    if (exchange.state_ == State::kAnswered) {
      exchange.way_.more();
    }
  });
}

void HttpExchange::when_left(std::function<void()> left) {
  by_loop([left = std::move(left)](HttpExchange& exchange) mutable {
    if (exchange.state_ == State::kLeft) {
      left();
    } else if (exchange.state_ == State::kTaken) {
      exchange.left_ = std::move(left);
    }
  });
}

void HttpExchange::when_late(std::chrono::milliseconds after, std::function<void()> late) {
  by_loop([after, late = std::move(late)](HttpExchange& exchange) mutable {
    if (exchange.state_ == State::kTaken) {
      exchange.late_.emplace(exchange.house_.loop).set(after, exchange.shared_from_this(), std::move(late));
    }
  });
}

void HttpExchange::was_sent() {
  left_ = nullptr;
  end(State::kSent);
}

void HttpExchange::was_left(bool told) {
  state_ = State::kLeft;
  const std::function<void()> left = std::exchange(left_, nullptr);
  if (told && left) {
    left();
  }
  end(State::kLeft);
}

void HttpExchange::end(State state) {
  state_ = state;
  late_.reset();
  way_ = {};
  --house_.busy;
}

}  // namespace endorm
