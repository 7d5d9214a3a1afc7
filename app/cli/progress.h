#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace endorm {

// How far a command is, on standard error: on a terminal a line that is drawn over itself, with rate and time left;
// elsewhere a line of its own whenever ten seconds passed without one, also while nothing is finished.
class Progress {
 public:
  // total_bytes: size of the input, where it is known; or another measure of the work, which `update` then gives in the
  // place of bytes. rows: what is counted. computed: tokens so far, asked by a thread of this; empty: not told between
  // updates.
  explicit Progress(std::optional<std::size_t> total_bytes, std::string rows = "records",
                    std::function<std::size_t()> computed = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // What is done before the first token.
  void waits_for(const char* what);
  // rows resumed from an earlier run count for the position, not for the rate.
  void update(std::size_t bytes_read, std::size_t rows, std::size_t resumed_rows, std::size_t errors,
              std::size_t tokens);

 private:
  struct Position {
    std::size_t bytes = 0;
    std::size_t rows = 0;
    std::size_t errors = 0;
    std::size_t tokens = 0;
  };

  void watch();
  void tell();  // with mutex_ held
  std::string line() const;

  std::optional<std::size_t> total_bytes_;
  std::string rows_;
  const char* waits_for_ = "the first tokens";
  std::function<std::size_t()> computed_;
  bool terminal_;
  bool drawn_ = false;
  Position position_;
  std::size_t computed_before_ = 0;  // when position_ was told
  std::size_t resumed_bytes_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point told_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread watcher_;  // last: it uses all of this
};

}  // namespace endorm
