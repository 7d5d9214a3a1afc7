#pragma once

#include <cstddef>
#include <string>

#include "app/cli/signal_actions.h"

namespace endorm {

// While one lives, a command that is ended by SIGINT, SIGTERM or SIGHUP says first what is kept and how to go on, and
// then ends by that signal at once, whatever it does. One at a time; not beside NotedSignals.
class StopNotice {
 public:
  StopNotice();
  ~StopNotice();
  StopNotice(const StopNotice&) = delete;
  StopNotice& operator=(const StopNotice&) = delete;

  void say(const std::string& text);  // from now on, instead of what was to be said before

 private:
  SignalActions actions_;
};

// "FILE keeps 12 records, ...": a result file, or - for standard output.
std::string what_is_kept(const std::string& file, std::size_t records);

}  // namespace endorm
