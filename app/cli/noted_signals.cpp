#include "app/cli/noted_signals.h"

#include <csignal>
#include <iterator>

namespace endorm {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// A handler has no argument but the signal: this is all that it may touch.
volatile std::sig_atomic_t seen_signal = 0;

struct sigaction actions_before[std::size(kSignals)];

}  // namespace

NotedSignals::NotedSignals() {
  seen_signal = 0;
  struct sigaction action {};
  action.sa_handler = [](int signal) { seen_signal = signal; };
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &actions_before[i]);
    if (actions_before[i].sa_handler != SIG_IGN) {  // as under nohup
      ::sigaction(kSignals[i], &action, nullptr);
    }
  }
}

NotedSignals::~NotedSignals() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &actions_before[i], nullptr);
  }
}

int NotedSignals::seen() const { return seen_signal; }

}  // namespace endorm
