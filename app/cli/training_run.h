#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "app/cli/progress.h"
#include "train/usable_lines.h"

namespace endorm {

// The progress line of a run that may go on behind steps of an earlier call.
class TrainingProgress {
 public:
  // A step (from 1) of `steps` is done; `tokens` went through the model in it.
  void update(std::size_t step, std::size_t steps, std::size_t tokens);
  // Takes the line away.
  void end() { drawn_.reset(); }

 private:
  std::unique_ptr<Progress> drawn_;
  std::size_t first_ = 0;  // steps that were done before
  std::size_t tokens_ = 0;
};

// Says what was not learnt from, and where the run went on, on standard error.
void say_what_was_there(const std::vector<LeftOutLine>& left_out, std::size_t resumed_at);

inline constexpr bool kTrains = ENDORM_TRAIN;  // whether train/ is part of this build

// Throws InvalidInput: this endorm has no training; the message names the command and what to do.
[[noreturn]] void refuse_without_training(const char* command);

}  // namespace endorm
