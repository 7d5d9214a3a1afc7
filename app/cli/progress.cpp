#include "app/cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace endorm {
namespace {

constexpr std::chrono::seconds kSilence{10};

std::string duration(double seconds) {
  const auto whole = std::lround(seconds);
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ldh%02ldm", whole / 3600, whole / 60 % 60);
  } else {
    std::snprintf(text, sizeof text, "%ldm%02lds", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace

Progress::Progress(std::optional<std::size_t> total_bytes, std::string rows, std::function<std::size_t()> computed)
    : total_bytes_(total_bytes),
      rows_(std::move(rows)),
      computed_(std::move(computed)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      told_(start_),
      watcher_([this] { watch(); }) {}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  watcher_.join();
  if (drawn_) {
    std::fputs("\r\033[K", stderr);
  }
}

void Progress::watch() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_until(lock, told_ + kSilence, [this] { return end_; })) {
    if (std::chrono::steady_clock::now() >= told_ + kSilence) {
      if (computed_) {
        const std::size_t now = computed_();
        position_.tokens += now - std::exchange(computed_before_, now);
      }
      tell();
    }
  }
}

void Progress::waits_for(const char* what) {
  const std::lock_guard lock(mutex_);
  waits_for_ = what;
}

void Progress::update(std::size_t bytes_read, std::size_t rows, std::size_t resumed_rows, std::size_t errors,
                      std::size_t tokens) {
  const std::lock_guard lock(mutex_);
  if (rows == resumed_rows) {
    resumed_bytes_ = bytes_read;
    start_ = std::chrono::steady_clock::now();
  }
  position_ = {bytes_read, rows, errors, tokens};
  computed_before_ = computed_ ? computed_() : 0;
  if (terminal_ || std::chrono::steady_clock::now() >= told_ + kSilence) {
    tell();
  }
}

void Progress::tell() {
  std::fputs(terminal_ ? ("\r\033[K" + line()).c_str() : ("endorm: " + line() + "\n").c_str(), stderr);
  std::fflush(stderr);
  drawn_ = terminal_;
  told_ = std::chrono::steady_clock::now();
}

std::string Progress::line() const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (position_.rows == 0 && position_.tokens == 0) {
    return std::string("waiting for ") + waits_for_ + ", " + duration(seconds);
  }
  const double rate = seconds > 0 ? static_cast<double>(position_.tokens) / seconds : 0.0;
  std::string left;
  if (total_bytes_ && *total_bytes_ > 0) {
    const double part = static_cast<double>(position_.bytes) / static_cast<double>(*total_bytes_);
    if (terminal_) {
      constexpr int kWidth = 24;
      const int filled = std::min(kWidth, static_cast<int>(part * kWidth));
      left = " [" + std::string(static_cast<std::size_t>(filled), '#') +
             std::string(static_cast<std::size_t>(kWidth - filled), '.') + "]";
    }
    left += (terminal_ ? " " : ", ") + std::to_string(std::min(100, static_cast<int>(part * 100))) + "%";
    const double done = static_cast<double>(position_.bytes - resumed_bytes_);
    if (done > 0 && position_.bytes <= *total_bytes_) {
      left += ", " + duration(seconds * static_cast<double>(*total_bytes_ - position_.bytes) / done) + " left";
    }
  }
  char text[64];
  std::snprintf(text, sizeof text, "%zu tokens, %.0f tokens/s", position_.tokens, rate);
  return std::to_string(position_.rows) + " " + (position_.rows == 1 ? rows_.substr(0, rows_.size() - 1) : rows_) +
         (position_.errors > 0 ? ", " + std::to_string(position_.errors) + " with errors" : "") + ", " + text + left;
}

}  // namespace endorm
