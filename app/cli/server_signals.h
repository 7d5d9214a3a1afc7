#pragma once

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>

#include "app/server/log_writer.h"
#include "app/server/reward_server.h"

namespace endorm {

// What signals do to a server: SIGTERM and SIGINT end it in order, a second one at once, SIGHUP has it read its keys
// again where they are in a file. Made before any other thread, which then leave these signals to it; outlives all that
// it is given: a thread waits for signals until the process ends.
class ServerSignals {
 public:
  explicit ServerSignals(bool reads_keys);
  ServerSignals(const ServerSignals&) = delete;
  ServerSignals& operator=(const ServerSignals&) = delete;

  // From then on signals are obeyed.
  void begin(RewardServer& server, const ServerOptions& options, LogWriter& log);
  // There is something to be answered before the end.
  void has_loaded();
  void wait_until_told_to_stop();
  // Nothing is left to be answered: what ends later ends with status 0.
  void has_answered();
  // Ends the program, whatever waits: not all was answered in the time that --drain gives.
  [[noreturn]] void end_late();
  // The server is going.
  void end();

 private:
  void obey();
  void read_keys_again();
  void begin_to_stop();
  [[noreturn]] void leave(int status);

  sigset_t signals_{};
  ServerOptions options_;
  LogWriter* log_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  RewardServer* server_ = nullptr;
  bool loaded_ = false;
  bool told_to_stop_ = false;
  std::atomic<bool> answered_ = false;
};

}  // namespace endorm
