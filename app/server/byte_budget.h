#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace endorm {

// Bytes that requests of a server may hold together: bodies as they come, what is made of them, answers on their way.
// Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t most) : most_(most) {}

  std::size_t most() const { return most_; }
  std::size_t held() const { return held_; }
  bool has(std::size_t bytes) const { return held_ + bytes <= most_; }
  // False: there are not so many.
  bool take(std::size_t bytes) {
    if (held_.fetch_add(bytes) + bytes <= most_) {
      return true;
    }
    held_ -= bytes;
    return false;
  }
  // Whether there are so many or not: for what is there already.
  void hold(std::size_t bytes) { held_ += bytes; }
  void give_back(std::size_t bytes) { held_ -= bytes; }

 private:
  std::size_t most_;
  std::atomic<std::size_t> held_ = 0;
};

// The bytes of a budget that one thing holds, until it goes.
class ByteRoom {
 public:
  ByteRoom() = default;
  explicit ByteRoom(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
  ByteRoom(ByteRoom&& other) noexcept : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  ByteRoom& operator=(ByteRoom&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ByteRoom() {
    if (budget_) {
      budget_->give_back(bytes_);
    }
  }

  // Holds as many, at least. False: the budget has not so many, and nothing is changed.
  bool grow_to(std::size_t bytes) {
    if (bytes > bytes_ && !budget_->take(bytes - bytes_)) {
      return false;
    }
    bytes_ = bytes > bytes_ ? bytes : bytes_;
    return true;
  }
  void hold(std::size_t bytes) {
    budget_->hold(bytes);
    bytes_ += bytes;
  }

 private:
  std::shared_ptr<ByteBudget> budget_;
  std::size_t bytes_ = 0;
};

}  // namespace endorm
