#include "app/cli/signal_actions.h"

namespace endorm {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

SignalActions::SignalActions(void (*handler)(int), int flags) : before_{} {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) {
      ::sigaction(kSignals[i], &action, nullptr);
    }
  }
}

SignalActions::~SignalActions() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

}  // namespace endorm
