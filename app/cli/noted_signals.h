#pragma once

#include <string>

#include "app/cli/signal_actions.h"
#include "core/errors.h"

namespace endorm {

// A command was asked to stop while a child of it ran; what was half made is gone. main() then ends by the same signal.
class Interrupted : public EngineError {
 public:
  Interrupted(int signal, const std::string& message) : EngineError(message), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// While one lives, SIGINT, SIGTERM and SIGHUP are kept in mind instead of ending the process: there is something to
// tidy up. One at a time.
class NotedSignals {
 public:
  NotedSignals();
  ~NotedSignals();
  NotedSignals(const NotedSignals&) = delete;
  NotedSignals& operator=(const NotedSignals&) = delete;

  int seen() const;  // 0: none

 private:
  SignalActions actions_;
};

}  // namespace endorm
