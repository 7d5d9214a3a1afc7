#pragma once

#include <array>
#include <csignal>
#include <cstddef>

namespace endorm {

// What SIGINT, SIGTERM and SIGHUP do while one lives; then they do again what they did before. A signal that is
// ignored, as under nohup, stays so. One at a time.
class SignalActions {
 public:
  // flags: of sigaction(2), such as SA_RESETHAND.
  explicit SignalActions(void (*handler)(int), int flags = 0);
  ~SignalActions();
  SignalActions(const SignalActions&) = delete;
  SignalActions& operator=(const SignalActions&) = delete;

 private:
  std::array<struct sigaction, 3> before_;
};

}  // namespace endorm
