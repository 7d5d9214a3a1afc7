#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace endorm {

// A number of a step, by name.
using Metric = std::pair<std::string_view, double>;

// The log of a run, JSON lines: {"manifest": ...}, then {"step": n, metric: number, ...}, one a step. Each line is on
// its way to the disk when the step ends. One caller at a time.
class RunLog {
 public:
  // Goes on with the log at path where steps_done is not 0: lines of later steps, which a stopped run wrote behind its
  // last checkpoint, and a half-written last line are cut off. Begins a new one otherwise. manifest: a JSON object.
  // Throws InvalidInput where the log belongs to another manifest, EngineError where it cannot be written.
  RunLog(const std::string& path, const std::string& manifest, std::size_t steps_done);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Throws InternalError where a metric is not finite: a run stops before it logs such a step.
  void step(std::size_t step, std::span<const Metric> metrics);

 private:
  void write(const std::string& line);

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace endorm
