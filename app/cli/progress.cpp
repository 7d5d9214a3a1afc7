#include "app/cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace endorm {
namespace {

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

Progress::Progress(std::optional<std::size_t> total_bytes, std::string rows)
    : total_bytes_(total_bytes),
      rows_(std::move(rows)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) {
    std::fputs("\r\033[K", stderr);
  }
}

void Progress::update(std::size_t bytes_read, std::size_t rows, std::size_t resumed_rows, std::size_t errors,
                      std::size_t tokens) {
  if (rows == resumed_rows) {
    resumed_bytes_ = bytes_read;
    start_ = std::chrono::steady_clock::now();
  }
  if (!terminal_) {
    return;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
  std::string left;
  if (total_bytes_ && *total_bytes_ > 0) {
    const double part = static_cast<double>(bytes_read) / static_cast<double>(*total_bytes_);
    constexpr int kWidth = 24;
    const int filled = std::min(kWidth, static_cast<int>(part * kWidth));
    left = " [" + std::string(static_cast<std::size_t>(filled), '#') +
           std::string(static_cast<std::size_t>(kWidth - filled), '.') + "] " +
           std::to_string(std::min(100, static_cast<int>(part * 100))) + "%";
    const double done = static_cast<double>(bytes_read - resumed_bytes_);
    if (done > 0 && bytes_read <= *total_bytes_) {
      left += ", " + duration(seconds * static_cast<double>(*total_bytes_ - bytes_read) / done) + " left";
    }
  }
  std::fprintf(stderr, "\r\033[K%zu %s%s, %.0f tokens/s%s", rows, rows_.c_str(),
               errors > 0 ? (", " + std::to_string(errors) + " with errors").c_str() : "", rate, left.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace endorm
