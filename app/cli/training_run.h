#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "app/cli/progress.h"
#include "train/training_run.h"

namespace endorm {

// The progress line of a run that may go on behind steps of an earlier call.
class TrainingProgress {
 public:
  // A step of `steps` is done.
  void update(const TrainingStep& step, std::size_t steps);
  // Takes the line away.
  void end() { drawn_.reset(); }

 private:
  std::unique_ptr<Progress> drawn_;
  std::size_t first_ = 0;  // steps that were done before
  std::size_t tokens_ = 0;
};

// Says what was not learnt from, and where the run went on, on standard error; then what it learnt from, what is held
// out, and where its log and result lie, on standard output. learnt: "from 20 prompts"; held_out: "56.8 % right", or
// empty; behind: what is said of the result.
void print_outcome(const TrainingOutcome& outcome, const TrainingOptions& options, const std::string& learnt,
                   const std::string& held_out, const std::string& behind = "");

inline constexpr bool kTrains = ENDORM_TRAIN;  // whether train/ is part of this build

// Throws InvalidInput: this endorm has no training; the message names the command and what to do.
[[noreturn]] void refuse_without_training(const char* command);

}  // namespace endorm
