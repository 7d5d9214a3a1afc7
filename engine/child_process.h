#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace endorm {

struct ChildProcess {
  std::vector<std::string> words;  // the program, looked for on PATH, and its arguments
  bool keep_output = false;        // what it prints is returned; without it, it goes to standard error
  // Asked some ten times a second; where true the child and what it started are asked to end (SIGTERM), and waited for.
  // With it the child has a process group of its own, so that a terminal's Ctrl-C reaches only who decides here.
  std::function<bool()> stop;
};

struct ChildEnd {
  std::optional<int> status;  // none where a signal ended it
  int signal = 0;
  bool stopped = false;  // because `stop` said so
  std::string output;    // with keep_output
};

// Runs a program to its end, with nothing to read on its standard input. Throws EngineError, with the system's reason,
// where it cannot be started.
ChildEnd run_child(const ChildProcess& child);

}  // namespace endorm
