#pragma once

#include <functional>
#include <memory>
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

// A program whose output is read while it runs, with nothing to read on its standard input. One that still runs when
// this goes is asked to end, and waited for.
class ChildOutput {
 public:
  // words: the program, looked for on PATH, and its arguments. Throws EngineError, with the system's reason, where it
  // cannot be started.
  explicit ChildOutput(std::vector<std::string> words);
  ~ChildOutput();
  ChildOutput(const ChildOutput&) = delete;
  ChildOutput& operator=(const ChildOutput&) = delete;

  int descriptor() const;        // to read what it prints
  bool succeeded(int also = 0);  // waits for its end: whether it ended with status 0 or this one

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace endorm
