#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "train/event_file.h"

namespace endorm {

// A response that the policy gave, for people to read. T tokens.
struct LoggedSample {
  std::string prompt;
  std::string response;
  double reward = 0.0;
  std::vector<std::string> token_texts = {};  // [T]; empty: the tokens are not shown
  std::vector<double> token_rewards = {};     // [T], or empty
  std::vector<double> log_probs = {};         // [T] nats, by the policy; or empty
  std::string note = {};                      // a line about it, e.g. what a grader says; may be empty
};

// A step as its line has it.
struct LoggedStep {
  std::size_t step = 0;
  std::vector<Metric> metrics;  // in the order of the line
};

// The log of a run, JSON lines: {"manifest": ...}, then {"step": n, metric: number, ...}, one a step, and now and then
// {"step": n, "sample": {...}}; docs/training.md has every field. Each line is on its way to the disk when the call
// returns. One caller at a time.
class RunLog {
 public:
  // Goes on with the log at path where steps_done is not 0: lines of later steps, which a stopped run wrote behind its
  // last checkpoint, and a half-written last line are cut off. Begins a new one otherwise. manifest: an object.
  // Metrics go to a TensorBoard file in event_directory, too, where it is not empty.
  // Throws InvalidInput where the log belongs to another manifest or is none, EngineError where it cannot be written.
  RunLog(const std::string& path, const nlohmann::ordered_json& manifest, std::size_t steps_done,
         const std::string& event_directory = {});
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Throws InternalError where a metric is not finite (a run stops before it logs such a step), a name stands twice or
  // is "step" or "sample", or the step is not behind the last.
  void step(std::size_t step, std::span<const Metric> metrics);

  // Of a step that is logged next or was logged last. Bytes that are no UTF-8 become U+FFFD. Throws InternalError where
  // a number is not finite, an array is not [T], or the step lies before the last.
  void sample(std::size_t step, const LoggedSample& sample);

  // The steps that the log already had: what guards and averages read again when a run goes on.
  const std::vector<LoggedStep>& earlier_steps() const { return earlier_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::size_t last_step_;
  std::vector<LoggedStep> earlier_;
  std::unique_ptr<EventFile> events_;  // none: no event_directory
};

}  // namespace endorm
