#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/server/http_connection.h"
#include "app/server/http_message.h"
#include "app/server/http_stream.h"
#include "app/server/request_reader.h"
#include "app/server/time_limit.h"

namespace endorm {

// The requests of a connection, each within its time and its bytes. Used by the thread of the loop.
class RequestIntake {
 public:
  // What becomes of what is read.
  struct Told {
    std::function<void(bool keep_alive)> taken;                       // request() is whole
    std::function<void(HttpAnswer answer, bool keep_alive)> refused;  // what comes is not taken
    std::function<void()> asked_to_go_on;                             // a client waits for a word before its body
    std::function<void()> idle;                                       // for too long
    std::function<void(bool ok)> ended;                               // nothing more comes; not ok: nor can be sent
  };

  // owner: what holds this, the stream, the limit (which is the connection's) and what is told.
  RequestIntake(HttpHouse& house, ByteStream& stream, TimeLimit& limit, std::weak_ptr<void> owner, Told told)
      : house_(house),
        stream_(stream),
        limit_(limit),
        owner_(std::move(owner)),
        told_(std::move(told)),
        reader_(house.limits.head_bytes) {}

  void come_from(HttpDoor door, std::string client);
  // The next request is waited for.
  void rest();
  // Reads what was sent ahead, and on.
  void go_on();
  // What comes from now on is thrown away.
  void discard();
  void close();

  const std::shared_ptr<HttpRequest>& request() const { return reader_.request(); }
  bool ended() const { return ended_; }
  bool has_more() const { return reader_.waiting() > 0; }  // that was sent ahead

 private:
  enum class State { kIdle, kHead, kBody, kTaken, kDiscarding, kClosed };

  bool reads_request() const { return state_ == State::kIdle || state_ == State::kHead || state_ == State::kBody; }
  void read();
  void was_read(bool ok, std::size_t bytes);
  void parse();
  void head_is_there();
  void body_goes_on(bool whole);
  void watch_body();
  void whole_is_there();
  HttpRequest& known_request();
  void fail(int status);
  void refuse(HttpAnswer answer, bool keep_alive);

  HttpHouse& house_;
  ByteStream& stream_;
  TimeLimit& limit_;
  std::weak_ptr<void> owner_;
  Told told_;
  HttpDoor door_ = HttpDoor::kMain;
  std::string client_;

  State state_ = State::kIdle;
  RequestReader reader_;
  std::vector<char> incoming_;  // of the read that is on its way
  bool reading_ = false;
  bool ended_ = false;
  bool keep_alive_ = false;                             // of the request
  std::optional<HttpAnswer> refusal_;                   // behind its body
  std::chrono::steady_clock::time_point ends_, heard_;  // of its body
};

}  // namespace endorm
