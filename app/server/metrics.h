#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "app/server/reward_queue.h"
#include "app/server/text_notes.h"

namespace endorm {

// What a server counts, for Prometheus. Thread-safe.
class Metrics {
 public:
  // A request was answered. route is one that the server has, or "other".
  void answered(const std::string& route, int status, double seconds);
  // A request began (+1) or ended (-1).
  void in_flight(int change);
  // Something worth telling of a text for this model.
  void noted(const std::string& model, TextNote note);
  // A client left, or its time was over, before its request was answered.
  void gave_up();

  // Prometheus' text format, version 0.0.4; queues by the name of their model.
  std::string text(const std::map<std::string, QueueCounts>& queues) const;

 private:
  static constexpr std::array<double, 11> kBuckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0};
  struct Latency {
    std::array<std::size_t, kBuckets.size() + 1> at_most{};  // the last: any
    double sum = 0.0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::size_t> answers_;
  std::map<std::string, Latency> latencies_;
  std::map<std::pair<std::string, TextNote>, std::size_t> notes_;  // by model
  long in_flight_ = 0;
  std::size_t gave_up_ = 0;
};

}  // namespace endorm
