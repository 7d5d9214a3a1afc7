#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>
#include <string>

#include "app/server/histogram.h"
#include "app/server/reward_queue.h"
#include "app/server/text_notes.h"

namespace endorm {

// What is told of a model.
struct ModelCounts {
  QueueCounts queue;
  std::string file;
  std::int64_t created = 0;  // when the server had it, seconds since 1970
};

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

  // Prometheus' text format, version 0.0.4; models by their names, connections that are open, and of what version of
  // the program. Beside them what every process tells.
  std::string text(const std::map<std::string, ModelCounts>& models, std::size_t connections, std::size_t held_bytes,
                   const std::string& version) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::size_t> answers_;
  std::map<std::string, SecondsHistogram> latencies_;
  std::map<std::pair<std::string, TextNote>, std::size_t> notes_;  // by model
  const std::time_t begun_ = std::time(nullptr);
  long in_flight_ = 0;
  std::size_t gave_up_ = 0;
};

}  // namespace endorm
