#include "app/server/http_connection.h"

#include <optional>
#include <utility>

#include "app/server/answer_writer.h"
#include "app/server/http_exchange.h"
#include "app/server/request_intake.h"
#include "app/server/time_limit.h"

namespace endorm {
namespace {

constexpr std::chrono::milliseconds kLinger{2'000};  // for a client to read the last answer, while it still sends

// Requests come in, one is answered after the other. Owns itself: what is on its way holds it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpHouse& house, std::unique_ptr<ByteStream> stream)
      : house_(house), stream_(std::move(stream)), limit_(house.loop) {
    ++house_.connections;
  }

  void begin(HttpDoor door, std::string client) {
    house_.open[this] = [self = weak_from_this()] {
      if (const auto alive = self.lock()) {
        alive->close();
      }
    };
    intake_.emplace(house_, *stream_, limit_, weak_from_this(),
                    RequestIntake::Told{
                        .taken = [this](bool keep_alive) { take(keep_alive); },
                        .refused =
                            [this](HttpAnswer answer, bool keep_alive) {
                              keep_alive_ = keep_alive;
                              answer_whole(std::move(answer));
                            },
                        .asked_to_go_on = [this] { writer_->say("HTTP/1.1 100 Continue\r\n\r\n"); },
                        .idle = [this] { close(); },
                        .ended = [this](bool ok) { was_ended(ok); },
                    });
    intake_->come_from(door, std::move(client));
    writer_.emplace(house_, *stream_, weak_from_this(),
                    AnswerWriter::Told{
                        .offered = [this] { close_after(house_.limits.write_silence); },
                        .awaited = [this] { limit_.clear(); },  // the request has a limit of its own
                        .sent = [this] { was_sent(); },
                        .lost = [this] { close(); },
                    });
    close_after(house_.limits.head_time);
    stream_->open([self = shared_from_this()](bool ok) {
      if (!ok) {
        self->close();
        return;
      }
      self->intake_->rest();
      self->intake_->go_on();
    });
  }

 private:
  enum class State { kReading, kHandled, kSending, kLingering, kClosed };

  void close_after(std::chrono::milliseconds time) {
    limit_.set(time, shared_from_this(), [this] { close(); });
  }

  void take(bool keep_alive) {
    keep_alive_ = keep_alive;
    state_ = State::kHandled;
    const auto self = shared_from_this();
    exchange_ = std::make_shared<HttpExchange>(
        house_, HttpExchange::Way{
                    .send = [self](HttpAnswer answer) { self->answer_whole(std::move(answer)); },
                    .stream = [self](const HttpAnswer& head,
                                     std::function<HttpPiece()> next) { self->answer_stream(head, std::move(next)); },
                    .more = [self] { self->writer_->more(); },
                });
    house_.handler.handle(intake_->request(), exchange_);
  }

  void answer_whole(HttpAnswer answer) {
    state_ = State::kSending;
    keep_alive_ = keep_alive_ && !answer.close;
    const HttpRequest& request = *intake_->request();
    std::string head = http_head(answer, answer.body.size(), false, keep_alive_, request.is_http_1_0);
    writer_->send(std::move(head), request.method == "HEAD" ? "" : std::move(answer.body));
  }

  void answer_stream(const HttpAnswer& head, std::function<HttpPiece()> next) {
    state_ = State::kSending;
    const bool chunked = !intake_->request()->is_http_1_0;
    keep_alive_ = keep_alive_ && chunked;
    writer_->stream(http_head(head, std::nullopt, chunked, keep_alive_, !chunked), chunked, std::move(next));
  }

  void was_sent() {
    if (exchange_) {
      std::exchange(exchange_, nullptr)->was_sent();
    }
    if (intake_->ended() && !intake_->has_more()) {
      close();
    } else if (!keep_alive_) {
      linger();
    } else {
      state_ = State::kReading;
      intake_->rest();
      // Not from here: many requests that came at once would be answered one within the other.
      house_.post([self = shared_from_this()] { self->intake_->go_on(); });
    }
  }

  // A client that has said all may still read an answer that is on its way to it.
  void was_ended(bool ok) {
    if (!ok || state_ != State::kSending || writer_->streams()) {
      close();
    }
  }

  // A connection that is closed while its client still sends is reset, and the answer may be lost.
  void linger() {
    state_ = State::kLingering;
    if (intake_->ended()) {
      close();
      return;
    }
    stream_->end();
    close_after(kLinger);
    intake_->discard();
  }

  void close() {
    if (state_ == State::kClosed) {
      return;
    }
    const bool unanswered = state_ == State::kHandled || writer_->streams();
    state_ = State::kClosed;
    intake_->close();
    writer_->drop();
    limit_.clear();
    stream_->close();
    house_.open.erase(this);
    --house_.connections;
    if (exchange_) {
      std::exchange(exchange_, nullptr)->was_left(unanswered);
    }
  }

  HttpHouse& house_;
  std::unique_ptr<ByteStream> stream_;
  TimeLimit limit_;
  State state_ = State::kReading;
  bool keep_alive_ = false;
  std::optional<RequestIntake> intake_;
  std::optional<AnswerWriter> writer_;
  std::shared_ptr<HttpExchange> exchange_;  // none: no request is at work
};

}  // namespace

void serve_connection(HttpHouse& house, std::unique_ptr<ByteStream> stream, HttpDoor door, std::string client) {
  std::make_shared<Connection>(house, std::move(stream))->begin(door, std::move(client));
}

}  // namespace endorm
