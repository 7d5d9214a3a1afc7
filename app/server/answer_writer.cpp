#include "app/server/answer_writer.h"

#include <array>
#include <charconv>
#include <utility>

namespace endorm {
namespace {

constexpr std::size_t kJoinedBytes = 64U << 10U;  // up to here head and body are sent as one

}  // namespace

void AnswerWriter::send(std::string head, std::string body) {
  sending_ = true;
  if (body.size() <= kJoinedBytes) {
    out_.push_back(std::move(head) + body);
  } else {
    room_ = ByteRoom(house_.limits.budget);
    room_.hold(body.size());
    out_.push_back(std::move(head));
    out_.push_back(std::move(body));
  }
  write();
}

void AnswerWriter::stream(std::string head, bool chunked, std::function<HttpPiece()> next) {
  sending_ = true;
  chunked_ = chunked;
  next_ = std::move(next);
  out_.push_back(std::move(head));
  write();
}

void AnswerWriter::more() {
  more_ = true;
  if (out_.empty()) {
    pull();
  }
}

void AnswerWriter::say(std::string bytes) {
  out_.push_back(std::move(bytes));
  write();
}

void AnswerWriter::drop() {
  dropped_ = true;
  next_ = nullptr;
  room_ = {};
}

void AnswerWriter::write() {
  if (writing_) {
    return;
  }
  while (!out_.empty() && written_ == out_.front().size()) {
    out_.pop_front();
    written_ = 0;
  }
  if (out_.empty()) {
    if (next_) {
      told_.awaited();
      pull();
    } else if (std::exchange(sending_, false)) {
      room_ = {};
      told_.sent();
    }
    return;
  }
  if (sending_) {
    told_.offered();
  }
  writing_ = true;
  stream_.write_some(out_.front().data() + written_, out_.front().size() - written_,
                     [this, keep = owner_.lock()](bool ok, std::size_t bytes) { was_written(ok, bytes); });
}

void AnswerWriter::was_written(bool ok, std::size_t bytes) {
  writing_ = false;
  if (dropped_) {
    return;
  }
  if (!ok || bytes == 0) {
    told_.lost();
    return;
  }
  written_ += bytes;
  write();
}

// The next piece of a stream, made by a thread of the pool.
void AnswerWriter::pull() {
  if (pulling_ || writing_ || !next_ || dropped_) {
    return;
  }
  pulling_ = true;
  more_ = false;
  house_.work([this, keep = owner_.lock(), next = next_] {
    auto piece = std::make_shared<HttpPiece>(next());
    house_.post([this, keep, piece] {
      pulling_ = false;
      if (!dropped_) {
        take(std::move(*piece));
      }
    });
  });
}

void AnswerWriter::take(HttpPiece piece) {
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

}  // namespace endorm
