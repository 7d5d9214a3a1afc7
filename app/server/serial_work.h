#pragma once

#include <deque>
#include <functional>
#include <mutex>

namespace endorm {

// Things that are done one after the other, by the threads of a pool, none of which waits for its turn. Thread-safe.
class SerialWork {
 public:
  // work: has a thread of the pool do something; it outlives what is done.
  explicit SerialWork(std::function<void(std::function<void()>)> work) : work_(std::move(work)) {}

  void add(std::function<void()> act) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(act));
    if (waiting_.size() == 1) {
      work_([this] { do_first(); });
    }
  }

 private:
  void do_first() {
    std::function<void()> act;
    {
      const std::lock_guard lock(mutex_);
      act = std::move(waiting_.front());
    }
    act();
    act = nullptr;
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
    if (!waiting_.empty()) {
      work_([this] { do_first(); });
    }
  }

  std::function<void(std::function<void()>)> work_;
  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;  // the first is being done
};

}  // namespace endorm
