#include "app/server/log_writer.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <unistd.h>

namespace endorm {
namespace {

constexpr std::chrono::milliseconds kLastLines{1'000};

// Whether all was written.
bool write_whole(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count < 0 && errno == EAGAIN) {  // somebody made it non-blocking
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

struct LogWriter::Shared {
  int descriptor = -1;
  std::size_t most_bytes = 0;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::string waiting;
  std::size_t lines = 0;  // of waiting
  bool writing = false;
  bool closing = false;
  std::size_t dropped = 0;
  std::size_t said = 0;  // of dropped

  void write_all() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return closing || !waiting.empty(); });
      if (waiting.empty()) {
        return;
      }
      std::string text = std::exchange(waiting, {});
      const std::size_t count = std::exchange(lines, 0);
      if (dropped > said) {
        text += "endorm: " + std::to_string(dropped - said) +
                " lines of the log were dropped: they could not be written as fast as they came\n";
        said = dropped;
      }
      writing = true;
      lock.unlock();
      const bool written = write_whole(descriptor, text);
      lock.lock();
      writing = false;
      dropped += written ? 0 : count;
      changed.notify_all();
    }
  }
};

LogWriter::LogWriter(int descriptor, std::size_t most_bytes) : shared_(std::make_shared<Shared>()) {
  shared_->descriptor = descriptor;
  shared_->most_bytes = most_bytes;
  std::thread([shared = shared_] { shared->write_all(); }).detach();
}

LogWriter::~LogWriter() {
  flush(kLastLines);
  const std::lock_guard lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
}

void LogWriter::write(const std::string& line) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->waiting.size() + line.size() + 1 > shared_->most_bytes) {
    ++shared_->dropped;
    return;
  }
  shared_->waiting.append(line).append("\n");
  ++shared_->lines;
  shared_->changed.notify_all();
}

void LogWriter::flush(std::chrono::milliseconds most) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, most, [this] { return shared_->waiting.empty() && !shared_->writing; });
}

std::size_t LogWriter::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

}  // namespace endorm
