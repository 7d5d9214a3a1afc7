#include "app/cli/server_signals.h"

#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include <unistd.h>

#include "app/cli/exit_status.h"

namespace endorm {
namespace {

// Beyond --drain, for connections to end.
constexpr std::chrono::milliseconds kLastAnswers{500};
constexpr int kExitTwiceTold = 130;  // as of a program that SIGINT ends

}  // namespace

ServerSignals::ServerSignals(bool reads_keys) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  if (reads_keys) {
    sigaddset(&signals_, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a client, or who reads the log, has left: that is told by the write
}

void ServerSignals::begin(RewardServer& server, const ServerOptions& options, LogWriter& log) {
  server_ = &server;
  options_ = options;
  log_ = &log;
  std::thread([this] { obey(); }).detach();
}

void ServerSignals::has_loaded() {
  const std::lock_guard lock(mutex_);
  loaded_ = true;
}

void ServerSignals::wait_until_told_to_stop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return told_to_stop_; });
}

void ServerSignals::has_answered() { answered_ = true; }

void ServerSignals::end_late() {
  log_->write("endorm: the time that --drain gives is over, and not all is answered");
  leave(kExitWorld);
}

void ServerSignals::end() {
  const std::lock_guard lock(mutex_);
  server_ = nullptr;
}

void ServerSignals::obey() {
  while (true) {
    int signal = 0;
    sigwait(&signals_, &signal);
    if (signal != SIGHUP && told_to_stop_) {  // written by this thread alone
      leave(kExitTwiceTold);
    }
    const std::lock_guard lock(mutex_);
    if (signal == SIGHUP) {
      read_keys_again();
    } else {
      begin_to_stop();
    }
  }
}

void ServerSignals::read_keys_again() {
  try {
    if (server_) {
      server_->read_keys_again();
      log_->write("endorm: the keys of " + options_.api_key_file + " were read again");
    }
  } catch (const std::exception& error) {
    log_->write(std::string("endorm: the keys are those of before: ") + error.what());
  }
}

void ServerSignals::begin_to_stop() {
  if (!loaded_) {
    log_->write("endorm: stopping");
    leave(kExitDone);  // nothing was taken, and loading cannot be interrupted
  }
  log_->write("endorm: stopping: what was taken is answered first");
  told_to_stop_ = true;
  changed_.notify_all();
  std::thread([this] {
    std::this_thread::sleep_for(options_.drain + kLastAnswers);
    if (answered_) {
      leave(kExitDone);  // what is still computed is for nobody
    }
    end_late();
  }).detach();
}

void ServerSignals::leave(int status) {
  log_->flush(kLastAnswers);
  if (!options_.unix_socket.empty()) {
    ::unlink(options_.unix_socket.c_str());
  }
  ::_exit(status);
}

}  // namespace endorm
