#include "app/server/request_intake.h"

#include <algorithm>
#include <utility>

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kIdleBytes = 1U << 10U;        // of the buffer of a connection that waits
constexpr std::size_t kBodyBytes = 64U << 10U;       // of one that reads a body, or requests that came early
constexpr std::size_t kDiscardedBytes = 64U << 10U;  // of a body that is refused, read so that the connection goes on

}  // namespace

void RequestIntake::come_from(HttpDoor door, std::string client) {
  door_ = door;
  client_ = std::move(client);
}

void RequestIntake::rest() {
  state_ = State::kIdle;
  reader_.begin();
  refusal_.reset();
  limit_.set(house_.limits.keep_alive, owner_.lock(), [this] { told_.idle(); });
}

void RequestIntake::go_on() {
  parse();
  if (ended_ && reads_request()) {
    told_.ended(true);
  }
  read();
}

void RequestIntake::discard() {
  state_ = State::kDiscarding;
  reader_.drop();
  read();
}

void RequestIntake::close() { state_ = State::kClosed; }

// One read is always on its way, so that it is seen when the client leaves; but for a client that sends ahead of its
// answers more than is kept for it.
void RequestIntake::read() {
  if (reading_ || ended_ || state_ == State::kClosed || (state_ == State::kTaken && reader_.waiting() >= kBodyBytes)) {
    return;
  }
  const std::size_t most = state_ == State::kBody || state_ == State::kDiscarding ? kBodyBytes : kIdleBytes;
  if (incoming_.size() != most) {
    incoming_ = std::vector<char>(most);
  }
  reading_ = true;
  stream_.read_some(incoming_.data(), incoming_.size(),
                    [this, keep = owner_.lock()](bool ok, std::size_t bytes) { was_read(ok, bytes); });
}

void RequestIntake::was_read(bool ok, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) {
    return;
  }
  if (!ok || bytes == 0) {
    ended_ = true;
    if (!ok || state_ != State::kIdle || reader_.waiting() == 0) {  // else what was sent ahead is answered yet
      told_.ended(ok);
    }
    return;
  }
  if (state_ != State::kDiscarding) {
    reader_.add(incoming_.data(), bytes);
  }
  parse();
  read();
}

void RequestIntake::parse() {
  while (reader_.waiting() > 0 && reads_request()) {
    if (state_ == State::kIdle) {
      state_ = State::kHead;
      limit_.set(house_.limits.head_time, owner_.lock(), [this] { fail(408); });
    }
    const RequestReader::Found found = reader_.next();
    if (found == RequestReader::Found::kNothing) {
      return;
    }
    if (found == RequestReader::Found::kFault) {
      fail(reader_.fault());
    } else if (found == RequestReader::Found::kHead) {
      head_is_there();
    } else {
      body_goes_on(found == RequestReader::Found::kWhole);
    }
  }
}

void RequestIntake::head_is_there() {
  const HttpRequest& head = known_request();
  keep_alive_ = reader_.keep_alive();
  const std::optional<std::uint64_t> length = reader_.body_length();
  if (length && *length > house_.limits.body_bytes) {
    fail(413);
    return;
  }
  refusal_ = house_.handler.admit(head);
  const std::string expected = head.field("Expect");
  if (refusal_ && reader_.has_body() && (!expected.empty() || !length || *length > kDiscardedBytes)) {
    refuse(std::move(*refusal_), /*keep_alive=*/false);  // its body is not read
    return;
  }
  if (!expected.empty() && expected != "100-continue" && !refusal_) {
    fail(417);
    return;
  }
  if (!refusal_ && !house_.limits.budget->has(length.value_or(0))) {
    fail(429);
    return;
  }
  state_ = State::kBody;
  reader_.request()->room = ByteRoom(house_.limits.budget);
  if (!reader_.has_body()) {
    whole_is_there();
    return;
  }
  ends_ = head.began + house_.limits.body_time;
  heard_ = head.began;
  watch_body();
  if (!expected.empty() && reader_.waiting() == 0) {
    told_.asked_to_go_on();
  }
}

void RequestIntake::body_goes_on(bool whole) {
  heard_ = Clock::now();
  if (reader_.body_bytes() > (refusal_ ? kDiscardedBytes : house_.limits.body_bytes)) {
    fail(413);
  } else if (!reader_.request()->room.grow_to(reader_.body_bytes())) {
    fail(429);
  } else if (whole) {
    whole_is_there();
  }
}

// Ends a body that takes too long, or has been silent for too long.
void RequestIntake::watch_body() {
  const auto until = std::min(ends_, heard_ + house_.limits.silence);
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
  limit_.set(std::max(left, milliseconds(0)), owner_.lock(), [this] {
    if (Clock::now() >= std::min(ends_, heard_ + house_.limits.silence)) {
      fail(408);
    } else {
      watch_body();
    }
  });
}

void RequestIntake::whole_is_there() {
  limit_.clear();
  if (refusal_) {
    refuse(std::move(*refusal_), keep_alive_);
    return;
  }
  known_request();
  state_ = State::kTaken;
  told_.taken(keep_alive_);
}

// The request with what is known of it beside its bytes: all of it was there by now.
HttpRequest& RequestIntake::known_request() {
  reader_.read_broken_head();
  HttpRequest& request = *reader_.request();
  request.client = client_;
  request.door = door_;
  request.began = Clock::now();
  return request;
}

void RequestIntake::fail(int status) { refuse(house_.handler.fault(known_request(), status), /*keep_alive=*/false); }

void RequestIntake::refuse(HttpAnswer answer, bool keep_alive) {
  state_ = State::kTaken;
  reader_.drop_body();
  told_.refused(std::move(answer), keep_alive);
}

}  // namespace endorm
