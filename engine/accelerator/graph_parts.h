#pragma once

// Inside the graph runner only: what its parts have in common.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace endorm {

// Adds the seconds of its life to a part of the profile.
class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Timed() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_;
};

inline std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace endorm
