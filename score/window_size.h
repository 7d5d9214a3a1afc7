#pragma once

#include <algorithm>
#include <cstddef>

namespace endorm {

// Records are scored in windows, each one prefix tree and one write to the disk. A window ends with the record that
// reaches window_bytes, or at kWindowRecords. The first windows are small, so that the first rows come soon; later ones
// are large, so that more is shared.
inline std::size_t window_bytes(std::size_t window) {
  constexpr std::size_t kFirst = std::size_t{1} << 10;
  constexpr std::size_t kDoublings = 7;
  return kFirst << std::min(window, kDoublings);
}

inline constexpr std::size_t kWindowRecords = 256;

// The window of this number (from 0) as it fills.
class FillingWindow {
 public:
  explicit FillingWindow(std::size_t window) : limit_(window_bytes(window)) {}
  bool takes_more() const { return records_ < kWindowRecords && bytes_ < limit_; }
  void add(std::size_t bytes) {
    bytes_ += bytes;
    ++records_;
  }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
};

}  // namespace endorm
