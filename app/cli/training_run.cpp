#include "app/cli/training_run.h"

#include <cstdio>
#include <string>

#include "core/errors.h"

namespace endorm {

void TrainingProgress::update(std::size_t step, std::size_t steps, std::size_t tokens) {
  if (!drawn_) {
    drawn_ = std::make_unique<Progress>(steps, "steps");
    first_ = step - 1;
  }
  tokens_ += tokens;
  drawn_->update(step, step, first_, 0, tokens_);
}

void say_what_was_there(const std::vector<LeftOutLine>& left_out, std::size_t resumed_at) {
  for (const LeftOutLine& line : left_out) {
    std::fprintf(stderr, "endorm: %s, line %zu is left out: %s\n", line.file.c_str(), line.line, line.reason.c_str());
  }
  if (resumed_at > 0) {
    std::fprintf(stderr, "endorm: went on behind step %zu\n", resumed_at);
  }
}

void refuse_without_training(const char* command) {
  throw InvalidInput("[" + std::string(command) +
                     "] this endorm was built without training. Call ./run train-setup, then ./run build.");
}

}  // namespace endorm
