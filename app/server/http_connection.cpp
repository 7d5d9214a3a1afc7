#include "app/server/http_connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <limits>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace endorm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;
using std::chrono::milliseconds;

constexpr std::size_t kIdleBytes = 1U << 10U;        // of the buffer of a connection that waits
constexpr std::size_t kBodyBytes = 64U << 10U;       // of one that reads a body, or requests that came early
constexpr std::size_t kJoinedBytes = 64U << 10U;     // up to here head and body are sent as one
constexpr std::size_t kDiscardedBytes = 64U << 10U;  // of a body that is refused, read so that the connection goes on
constexpr milliseconds kLinger{2'000};               // for a client to read the last answer, while it still sends

class Connection;

// The reply to one request of a connection; says nothing once the connection is at another.
class ConnectionReply : public HttpReply {
 public:
  ConnectionReply(std::shared_ptr<Connection> connection, std::uint64_t serial)
      : connection_(std::move(connection)), serial_(serial) {}

  void send(HttpAnswer answer) override;
  void stream(HttpAnswer head, std::function<HttpPiece()> next) override;
  void more() override;
  void when_left(std::function<void()> left) override;
  void when_late(milliseconds after, std::function<void()> late) override;

 private:
  template <typename Do>
  void within(Do act);

  std::shared_ptr<Connection> connection_;
  std::uint64_t serial_;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpHouse& house, std::unique_ptr<ByteStream> stream, HttpDoor door, std::string client)
      : house_(house), stream_(std::move(stream)), door_(door), client_(std::move(client)), timer_(house.loop) {
    ++house_.connections;
  }

  void begin() {
    house_.open[this] = [self = weak_from_this()] {
      if (const auto alive = self.lock()) {
        alive->close();
      }
    };
    limit(house_.limits.head_time, [this] { close(); });
    stream_->open([self = shared_from_this()](bool ok) {
      if (!ok) {
        self->close();
        return;
      }
      self->rest();
      self->read();
    });
  }

 private:
  friend class ConnectionReply;

  enum class State { kIdle, kHead, kBody, kHandled, kSending, kLingering, kClosed };

  // One time limit at once: the latest.
  template <typename Then>
  void limit(milliseconds after, Then then) {
    timer_.expires_after(after);
    timer_.async_wait([self = shared_from_this(), limit = ++limits_, then](const boost::system::error_code& error) {
      if (!error && self->limits_ == limit) {
        then();
      }
    });
  }

  void unlimit() {
    ++limits_;
    timer_.cancel();
  }

  void rest() {
    state_ = State::kIdle;
    parser_.reset();
    request_ = std::make_shared<HttpRequest>();
    refusal_.reset();
    limit(house_.limits.keep_alive, [this] { close(); });
    if (buffer_.empty()) {
      buffer_.shrink_to_fit();
    }
  }

  // One read is always on its way, so that it is seen when the client leaves; but for a client that sends ahead of its
  // answers more than is kept for it.
  void read() {
    if (reading_ || ended_ || state_ == State::kClosed) {
      return;
    }
    const bool ahead = state_ == State::kHandled || state_ == State::kSending;
    if (ahead && buffer_.size() >= kBodyBytes) {
      return;
    }
    const std::size_t most = state_ == State::kBody || state_ == State::kLingering ? kBodyBytes : kIdleBytes;
    if (incoming_.size() != most) {
      incoming_ = std::vector<char>(most);
    }
    reading_ = true;
    stream_->read_some(incoming_.data(), incoming_.size(),
                       [self = shared_from_this()](bool ok, std::size_t bytes) { self->was_read(ok, bytes); });
  }

  void was_read(bool ok, std::size_t bytes) {
    reading_ = false;
    if (state_ == State::kClosed) {
      return;
    }
    if (!ok || bytes == 0) {
      ended_ = true;
      if (ok && state_ == State::kIdle && !buffer_.empty()) {
        return;  // what was sent ahead is answered yet
      }
      // A client that has said all may still read an answer that is on its way to it.
      if (!ok || state_ != State::kSending || next_) {
        close();
      }
      return;
    }
    if (state_ != State::kLingering) {
      buffer_.append(incoming_.data(), bytes);
    }
    parse();
    read();
  }

  void parse() {
    while (!buffer_.empty() && (state_ == State::kIdle || state_ == State::kHead || state_ == State::kBody)) {
      if (state_ == State::kIdle) {
        state_ = State::kHead;
        limit(house_.limits.head_time, [this] { fail(408); });
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(house_.limits.head_bytes));
        // It is counted here. (boost::none is no limit of every version: in 1.74 all is beyond it.)
        parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
      }
      boost::system::error_code error;
      const std::size_t used = parser_->put(asio::const_buffer(buffer_.data(), buffer_.size()), error);
      buffer_.erase(0, used);
      if (error && error != http::error::need_more) {
        fail(error == http::error::header_limit ? 431 : error == http::error::bad_version ? 505 : 400);
        return;
      }
      if (state_ == State::kHead) {
        if (!parser_->is_header_done()) {
          return;
        }
        head_is_there();
        continue;
      }
      if (parser_->get().body().size() > (refusal_ ? kDiscardedBytes : house_.limits.body_bytes)) {
        fail(413);
        return;
      }
      if (parser_->is_done()) {
        body_is_there();
      } else if (used == 0) {
        if (buffer_.size() >= kBodyBytes) {
          fail(400);  // a chunk's first line without an end
        }
        return;
      } else {
        heard_ = std::chrono::steady_clock::now();
      }
    }
  }

  void head_is_there() {
    const auto& head = parser_->get();
    request_->method = std::string(head.method_string());
    request_->target = std::string(head.target());
    request_->path = request_->target.substr(0, request_->target.find('?'));
    for (const auto& field : head) {
      request_->fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    request_->client = client_;
    request_->door = door_;
    request_->is_http_1_0 = head.version() == 10;
    request_->began = std::chrono::steady_clock::now();
    keep_alive_ = parser_->keep_alive();
    const bool printable = std::ranges::all_of(request_->target, [](char byte) { return byte > ' ' && byte < '\x7f'; });
    if ((head.version() != 10 && head.version() != 11)) {
      fail(505);
      return;
    }
    if (!printable || !request_->target.starts_with('/') || request_->count("Host") > 1 ||
        (!request_->is_http_1_0 && request_->count("Host") == 0)) {
      fail(400);
      return;
    }
    const auto length = parser_->content_length();
    if (length && *length > house_.limits.body_bytes) {
      fail(413);
      return;
    }
    refusal_ = house_.handler.admit(*request_);
    const std::string expected = request_->field("Expect");
    if (refusal_ && !parser_->is_done() && (!expected.empty() || !length || *length > kDiscardedBytes)) {
      keep_alive_ = false;  // its body is not read
      answer_whole(std::move(*refusal_));
      return;
    }
    if (!expected.empty() && expected != "100-continue" && !refusal_) {
      fail(417);
      return;
    }
    state_ = State::kBody;
    parser_->eager(true);
    if (parser_->is_done()) {
      body_is_there();
      return;
    }
    ends_ = request_->began + house_.limits.body_time;
    heard_ = request_->began;
    watch_body();
    if (!expected.empty() && buffer_.empty()) {
      static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      writing_ = true;
      stream_->write_some(kContinue.data(), kContinue.size(), [self = shared_from_this()](bool ok, std::size_t) {
        self->writing_ = false;
        if (!ok) {
          self->close();
        } else if (self->state_ == State::kSending) {
          self->write();
        }
      });
    }
  }

  // Ends a body that takes too long, or has been silent for too long.
  void watch_body() {
    const auto until = std::min(ends_, heard_ + house_.limits.silence);
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    limit(std::max(left, milliseconds(0)), [this] {
      const auto now = std::chrono::steady_clock::now();
      if (now >= std::min(ends_, heard_ + house_.limits.silence)) {
        fail(408);
      } else {
        watch_body();
      }
    });
  }

  void body_is_there() {
    unlimit();
    if (refusal_) {
      answer_whole(std::move(*refusal_));
      return;
    }
    request_->body = std::move(parser_->get().body());
    request_->began = std::chrono::steady_clock::now();
    parser_.reset();
    state_ = State::kHandled;
    ++house_.busy;
    busy_ = true;
    house_.handler.handle(request_, std::make_shared<ConnectionReply>(shared_from_this(), ++serial_));
  }

  void fail(int status) {
    keep_alive_ = false;
    request_->client = client_;
    request_->door = door_;
    request_->began = std::chrono::steady_clock::now();
    answer_whole(house_.handler.fault(*request_, status));
  }

  void answer_whole(HttpAnswer answer) {
    state_ = State::kSending;
    left_ = nullptr;
    keep_alive_ = keep_alive_ && !answer.close;
    std::string head = http_head(answer, answer.body.size(), false, keep_alive_, request_->is_http_1_0);
    if (request_->method == "HEAD") {
      answer.body.clear();
    }
    if (answer.body.size() <= kJoinedBytes) {
      out_.push_back(std::move(head) + answer.body);
    } else {
      out_.push_back(std::move(head));
      out_.push_back(std::move(answer.body));
    }
    write();
  }

  void answer_stream(const HttpAnswer& head, std::function<HttpPiece()> next) {
    state_ = State::kSending;
    chunked_ = !request_->is_http_1_0;
    keep_alive_ = keep_alive_ && chunked_;
    next_ = std::move(next);
    out_.push_back(http_head(head, std::nullopt, chunked_, keep_alive_, request_->is_http_1_0));
    write();
  }

  void write() {
    if (writing_) {
      return;
    }
    while (!out_.empty() && written_ == out_.front().size()) {
      out_.pop_front();
      written_ = 0;
    }
    if (out_.empty()) {
      if (next_) {
        unlimit();  // what is not there yet is waited for by the request's own limit
        pull();
      } else {
        was_sent();
      }
      return;
    }
    limit(house_.limits.write_silence, [this] { close(); });
    writing_ = true;
    stream_->write_some(out_.front().data() + written_, out_.front().size() - written_,
                        [self = shared_from_this()](bool ok, std::size_t bytes) {
                          self->writing_ = false;
                          if (self->state_ != State::kSending) {
                            return;
                          }
                          if (!ok || bytes == 0) {
                            self->close();
                            return;
                          }
                          self->written_ += bytes;
                          self->write();
                        });
  }

  // The next piece of a stream, made by a thread of the pool.
  void pull() {
    if (pulling_ || writing_ || !next_ || state_ != State::kSending) {
      return;
    }
    pulling_ = true;
    more_ = false;
    house_.work([self = shared_from_this(), next = next_] {
      auto piece = std::make_shared<HttpPiece>(next());
      asio::post(self->house_.loop, [self, piece] {
        self->pulling_ = false;
        if (self->state_ == State::kSending) {
          self->take(std::move(*piece));
        }
      });
    });
  }

  void take(HttpPiece piece) {
    if (!piece.bytes.empty()) {
      if (chunked_) {
        std::array<char, 16> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.bytes.size(), 16).ptr;
        piece.bytes = std::string(digits.data(), end) + "\r\n" + piece.bytes + "\r\n";
      }
      out_.push_back(std::move(piece.bytes));
    }
    if (piece.end) {
      next_ = nullptr;
      left_ = nullptr;
      if (chunked_) {
        out_.emplace_back("0\r\n\r\n");
      }
    }
    if (!out_.empty() || !next_) {
      write();
    } else if (more_) {
      pull();
    }
  }

  void was_sent() {
    no_longer_busy();
    left_ = nullptr;
    ++serial_;
    if (ended_ && buffer_.empty()) {
      close();
    } else if (!keep_alive_) {
      linger();
    } else {
      rest();
      // Not from here: many requests that came at once would be answered one within the other.
      asio::post(house_.loop, [self = shared_from_this()] {
        self->parse();
        if (self->ended_ &&
            (self->state_ == State::kIdle || self->state_ == State::kHead || self->state_ == State::kBody)) {
          self->close();
        }
        self->read();
      });
    }
  }

  // A connection that is closed while its client still sends is reset, and the answer may be lost.
  void linger() {
    state_ = State::kLingering;
    if (ended_) {
      close();
      return;
    }
    buffer_.clear();
    stream_->end();
    limit(kLinger, [this] { close(); });
    read();
  }

  void no_longer_busy() {
    if (busy_) {
      busy_ = false;
      --house_.busy;
    }
  }

  void close() {
    if (state_ == State::kClosed) {
      return;
    }
    const std::function<void()> left = std::move(left_);
    left_ = nullptr;
    late_timer_.reset();
    state_ = State::kClosed;
    next_ = nullptr;
    unlimit();
    stream_->close();
    house_.open.erase(this);
    --house_.connections;
    if (left) {
      left();
    }
    no_longer_busy();
  }

  HttpHouse& house_;
  std::unique_ptr<ByteStream> stream_;
  HttpDoor door_;
  std::string client_;
  asio::steady_timer timer_;
  std::uint64_t limits_ = 0;  // that timer_ was ever set to
  std::optional<asio::steady_timer> late_timer_;
  State state_ = State::kIdle;

  std::vector<char> incoming_;  // of the read that is on its way
  std::string buffer_;          // what was read and is not parsed yet
  bool reading_ = false;
  bool ended_ = false;  // nothing more comes
  std::optional<Parser> parser_;
  std::shared_ptr<HttpRequest> request_ = std::make_shared<HttpRequest>();
  std::optional<HttpAnswer> refusal_;
  bool keep_alive_ = false;
  std::chrono::steady_clock::time_point ends_, heard_;  // of a body

  std::uint64_t serial_ = 0;  // of the request that is answered
  bool busy_ = false;
  std::function<void()> left_;
  std::deque<std::string> out_;
  std::size_t written_ = 0;  // of the first of out_
  bool writing_ = false;
  bool chunked_ = false;
  std::function<HttpPiece()> next_;
  bool pulling_ = false;
  bool more_ = false;
};

template <typename Do>
void ConnectionReply::within(Do act) {
  asio::dispatch(connection_->house_.loop,
                 [connection = connection_, serial = serial_, act = std::move(act)]() mutable {
                   if (connection->serial_ == serial) {
                     act(*connection);
                   }
                 });
}

void ConnectionReply::send(HttpAnswer answer) {
  within([answer = std::move(answer)](Connection& connection) mutable {
    if (connection.state_ == Connection::State::kHandled) {
      connection.late_timer_.reset();
      connection.answer_whole(std::move(answer));
    }
  });
}

void ConnectionReply::stream(HttpAnswer head, std::function<HttpPiece()> next) {
  within([head = std::move(head), next = std::move(next)](Connection& connection) mutable {
    if (connection.state_ == Connection::State::kHandled) {
      connection.late_timer_.reset();
      connection.answer_stream(std::move(head), std::move(next));
    }
  });
}

void ConnectionReply::more() {
  within([](Connection& connection) {
    connection.more_ = true;
    if (connection.out_.empty()) {
      connection.pull();
    }
  });
}

void ConnectionReply::when_left(std::function<void()> left) {
  within([left = std::move(left)](Connection& connection) mutable {
    if (connection.state_ == Connection::State::kClosed) {
      left();
    } else if (connection.state_ == Connection::State::kHandled) {
      connection.left_ = std::move(left);
    }
  });
}

void ConnectionReply::when_late(milliseconds after, std::function<void()> late) {
  within([after, late = std::move(late)](Connection& connection) mutable {
    if (connection.state_ != Connection::State::kHandled) {
      return;
    }
    connection.late_timer_.emplace(connection.house_.loop, after);
    connection.late_timer_->async_wait([late = std::move(late)](const boost::system::error_code& error) {
      if (!error) {
        late();
      }
    });
  });
}

}  // namespace

void serve_connection(HttpHouse& house, std::unique_ptr<ByteStream> stream, HttpDoor door, std::string client) {
  std::make_shared<Connection>(house, std::move(stream), door, std::move(client))->begin();
}

}  // namespace endorm
