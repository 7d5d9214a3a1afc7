#include "bench/operator_times.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include <ATen/record_function.h>

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

// An operator that is running.
struct Running : at::ObserverContext {
  Clock::time_point begin;
  double inside = 0.0;  // seconds of the operators that it called
  Running* caller = nullptr;
};

struct Sum {
  double seconds = 0.0;
  std::size_t calls = 0;
};

// The callbacks of torch are plain functions, so what they write to is here.
thread_local Running* innermost = nullptr;
thread_local std::map<std::string, Sum> sums;

std::unique_ptr<at::ObserverContext> begin_operator(const at::RecordFunction&) {
  auto running = std::make_unique<Running>();
  running->caller = innermost;
  innermost = running.get();
  running->begin = Clock::now();
  return running;
}

void end_operator(const at::RecordFunction& function, at::ObserverContext* context) {
  auto* const running = static_cast<Running*>(context);
  const double seconds = std::chrono::duration<double>(Clock::now() - running->begin).count();
  Sum& sum = sums[function.name()];
  sum.seconds += seconds - running->inside;
  ++sum.calls;
  innermost = running->caller;
  if (innermost != nullptr) {
    innermost->inside += seconds;
  }
}

}  // namespace

OperatorTimes::OperatorTimes() {
  sums.clear();
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(begin_operator, end_operator)
                                           .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

OperatorTimes::~OperatorTimes() { at::removeCallback(handle_); }

std::vector<OperatorTime> OperatorTimes::sorted() const {
  std::vector<OperatorTime> times;
  for (const auto& [name, sum] : sums) {
    times.push_back({name, sum.seconds, sum.calls});
  }
  std::sort(times.begin(), times.end(),
            [](const OperatorTime& a, const OperatorTime& b) { return a.seconds > b.seconds; });
  return times;
}

}  // namespace endorm
