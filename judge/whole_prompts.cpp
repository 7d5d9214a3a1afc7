#include "judge/whole_prompts.h"

namespace endorm {

ScoreOptions with_whole_prompts(ScoreOptions options) {
  if (options.overflow == Overflow::kTruncateLeft) {
    options.overflow = Overflow::kError;
  }
  return options;
}

}  // namespace endorm
