#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace endorm {

// A line on standard error that is drawn over itself, with rate and time left; silent where that is no terminal.
class Progress {
 public:
  // total_bytes: size of the input, where it is known; or another measure of the work, which `update` then gives in the
  // place of bytes. rows: what is counted.
  explicit Progress(std::optional<std::size_t> total_bytes, std::string rows = "records");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // rows resumed from an earlier run count for the position, not for the rate.
  void update(std::size_t bytes_read, std::size_t rows, std::size_t resumed_rows, std::size_t errors,
              std::size_t tokens);

 private:
  std::optional<std::size_t> total_bytes_;
  std::string rows_;
  bool terminal_;
  bool drawn_ = false;
  std::size_t resumed_bytes_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace endorm
