#include "app/cli/noted_signals.h"

#include <csignal>

namespace endorm {
namespace {

// A handler has no argument but the signal: this is all that it may touch.
volatile std::sig_atomic_t seen_signal = 0;

}  // namespace

NotedSignals::NotedSignals() : actions_([](int signal) { seen_signal = signal; }) {}

NotedSignals::~NotedSignals() { seen_signal = 0; }  // for the next one

int NotedSignals::seen() const { return seen_signal; }

}  // namespace endorm
