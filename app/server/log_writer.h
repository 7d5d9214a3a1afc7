#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace endorm {

// Lines to a file descriptor, written by a thread of its own: whoever writes a line never waits, though the reader may
// have stopped reading or the disk be full. What does not fit meanwhile is dropped, counted, and said when lines go
// out again. Thread-safe.
class LogWriter {
 public:
  // descriptor: is not closed. most_bytes: that wait to be written.
  explicit LogWriter(int descriptor, std::size_t most_bytes = std::size_t{4} << 20U);
  // Waits a second, at most, for what is not written yet.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(const std::string& line);
  // Until all is written, or the time is over.
  void flush(std::chrono::milliseconds most);
  std::size_t dropped() const;  // lines, ever

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the thread, which outlives this where a write never ends
};

}  // namespace endorm
