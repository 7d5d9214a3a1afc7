#include "engine/remote/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace endorm {

void in_parallel(std::size_t parts, std::size_t threads,
                 const std::function<void(std::size_t part, std::size_t thread)>& work) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failing;
  const auto run = [&](std::size_t thread) {
    try {
      for (std::size_t part = next++; part < parts; part = next++) {
        work(part, thread);
      }
    } catch (...) {
      next = parts;
      const std::lock_guard lock(failing);
      failure = failure ? failure : std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < std::min(threads, parts); ++thread) {
      others.emplace_back(run, thread);
    }
    run(0);
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace endorm
