#pragma once

#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

struct RunPoint {
  std::size_t step = 0;
  double value = 0.0;
};

// One metric of a run.
struct RunMetric {
  std::string name;
  std::vector<RunPoint> points;  // at least one, their steps rising
};

struct RunSample {
  std::size_t step = 0;
  std::shared_ptr<const nlohmann::ordered_json> json;  // {"prompt", "response", "reward", "note"?, "token_rewards"?}
};

// A line that was passed over.
struct RunFault {
  std::size_t line = 0;  // from 1
  std::string reason;
};

// The log of a training run, run.jsonl of docs/training.md, as far as it is written.
struct RunFile {
  std::shared_ptr<const nlohmann::ordered_json> manifest;
  std::string kind;                               // of its manifest: "sft", "rl"
  std::optional<std::size_t> planned_steps = {};  // of its manifest, where it says so
  std::size_t steps = 0;                          // lines of steps
  std::size_t last_step = 0;                      // 0: none yet
  std::vector<RunMetric> metrics = {};            // in the order in which they first stand in the log
  std::vector<RunSample> samples = {};            // in the order of the log
  std::vector<RunFault> faults = {};

  // Whether every planned step is there.
  bool finished() const { return planned_steps && last_step >= *planned_steps; }
};

// Whether this is the first line of such a log: a manifest that says which kind of run it is.
bool begins_run_log(const std::string& line);

// Reads a log. What is no step and no sample goes to faults, and so does a last line that is not whole: a run may be
// writing it. Throws InvalidInput where the first line is no manifest of a run, EngineError where reading fails.
RunFile read_run_log(std::istream& lines);

}  // namespace endorm
