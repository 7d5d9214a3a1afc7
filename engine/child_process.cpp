#include "engine/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr int kPatienceMs = 100;  // between two questions whether to stop

// A pipe whose writing end only the child keeps: the reading end says when the child has closed it, output or not.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) {
      throw EngineError(std::string("[run_child] no pipe: ") + std::strerror(errno));
    }
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_writing();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reading() const { return ends_[0]; }
  int writing() const { return ends_[1]; }
  void close_writing() {
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

pid_t start(const ChildProcess& child, const Pipe& output) {
  std::vector<std::string> words = child.words;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // Results go to standard output: the child's chatter must not.
  posix_spawn_file_actions_adddup2(&actions, child.keep_output ? output.writing() : STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (child.stop) {
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
  }
  pid_t process = 0;
  const int failure = ::posix_spawnp(&process, pointers[0], &actions, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw EngineError("[run_child] " + child.words.front() + " cannot be run: " + std::strerror(failure));
  }
  return process;
}

void end_group(pid_t process) {
  if (::kill(-process, SIGTERM) != 0) {
    ::kill(process, SIGTERM);  // its group is not made yet
  }
}

// Reads what the child prints until it ends or its output is closed, asking between whether to stop.
void follow(const ChildProcess& child, pid_t process, int reading, ChildEnd& end) {
  char bytes[4096];
  while (true) {
    if (!end.stopped && child.stop && child.stop()) {
      end.stopped = true;
      end_group(process);
    }
    pollfd ready{reading, POLLIN, 0};
    if (::poll(&ready, 1, child.stop ? kPatienceMs : -1) <= 0) {
      continue;  // time to ask, or a signal
    }
    const ssize_t count = ::read(reading, bytes, sizeof bytes);
    if (count > 0) {
      end.output.append(bytes, static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return;
    }
  }
}

// The same without output to read: a child's end is all there is to wait for.
int wait_for(const ChildProcess& child, pid_t process, ChildEnd& end) {
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(process, &status, child.stop ? WNOHANG : 0);
    if (ended == process) {
      return status;
    }
    if (ended < 0 && errno != EINTR) {
      throw EngineError(std::string("[run_child] ") + child.words.front() + ": " + std::strerror(errno));
    }
    if (!end.stopped && child.stop && child.stop()) {
      end.stopped = true;
      end_group(process);
    }
    if (ended == 0) {
      ::poll(nullptr, 0, kPatienceMs);
    }
  }
}

ChildEnd end_of(int status) {
  ChildEnd end;
  if (WIFEXITED(status)) {
    end.status = WEXITSTATUS(status);
  } else {
    end.signal = WTERMSIG(status);
  }
  return end;
}

}  // namespace

ChildEnd run_child(const ChildProcess& child) {
  ChildEnd end;
  Pipe output;
  const pid_t process = start(child, output);
  output.close_writing();
  if (child.keep_output) {
    follow(child, process, output.reading(), end);
  }
  const ChildEnd ended = end_of(wait_for(child, process, end));
  end.status = ended.status;
  end.signal = ended.signal;
  return end;
}

struct ChildOutput::Running {
  ChildProcess child;
  Pipe output;
  std::optional<pid_t> process;  // until its end was waited for
};

ChildOutput::ChildOutput(std::vector<std::string> words) : running_(std::make_unique<Running>()) {
  running_->child = {.words = std::move(words), .keep_output = true, .stop = nullptr};
  running_->process = start(running_->child, running_->output);
  running_->output.close_writing();
}

ChildOutput::~ChildOutput() {
  if (running_->process) {
    ::kill(*running_->process, SIGTERM);
    ::waitpid(*running_->process, nullptr, 0);
  }
}

int ChildOutput::descriptor() const { return running_->output.reading(); }

bool ChildOutput::succeeded(int also) {
  ChildEnd end;
  const pid_t process = *std::exchange(running_->process, std::nullopt);
  const std::optional<int> status = end_of(wait_for(running_->child, process, end)).status;
  return status == 0 || status == also;
}

}  // namespace endorm
