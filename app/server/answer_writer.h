#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "app/server/http_connection.h"
#include "app/server/http_message.h"
#include "app/server/http_stream.h"

namespace endorm {

// Answers on their way to a client, one after the other. Used by the thread of the loop.
class AnswerWriter {
 public:
  // What becomes of an answer.
  struct Told {
    std::function<void()> offered;  // the client is to take bytes of it
    std::function<void()> awaited;  // all that there is was sent; the next piece is asked for
    std::function<void()> sent;     // whole
    std::function<void()> lost;     // the connection is no more
  };

  // owner: what holds this, the stream, and what is told.
  AnswerWriter(HttpHouse& house, ByteStream& stream, std::weak_ptr<void> owner, Told told)
      : house_(house), stream_(stream), owner_(std::move(owner)), told_(std::move(told)) {}

  void send(std::string head, std::string body);
  // Pieces are asked for one by one (HttpReply::stream).
  void stream(std::string head, bool chunked, std::function<HttpPiece()> next);
  void more();
  // A word before the answer, of which nothing is told but that it is lost.
  void say(std::string bytes);
  // Nothing is sent any more.
  void drop();
  // Whether pieces are still to be asked for.
  bool streams() const { return static_cast<bool>(next_); }

 private:
  void write();
  void was_written(bool ok, std::size_t bytes);
  void pull();
  void take(HttpPiece piece);

  HttpHouse& house_;
  ByteStream& stream_;
  std::weak_ptr<void> owner_;
  Told told_;
  std::deque<std::string> out_;
  std::size_t written_ = 0;  // of the first of out_
  ByteRoom room_;            // of an answer that is large
  bool sending_ = false;     // an answer
  bool writing_ = false;
  bool dropped_ = false;
  bool chunked_ = false;
  std::function<HttpPiece()> next_;
  bool pulling_ = false;
  bool more_ = false;
};

}  // namespace endorm
