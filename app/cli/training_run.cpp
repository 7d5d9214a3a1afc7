#include "app/cli/training_run.h"

#include <cstdio>
#include <string>

#include "core/errors.h"

namespace endorm {

void TrainingProgress::update(const TrainingStep& step, std::size_t steps) {
  if (!drawn_) {
    drawn_ = std::make_unique<Progress>(steps, "steps");
    first_ = step.step - 1;
  }
  tokens_ += step.tokens;
  drawn_->update(step.step, step.step, first_, 0, tokens_);
}

void print_outcome(const TrainingOutcome& outcome, const TrainingOptions& options, const std::string& learnt,
                   const std::string& held_out, const std::string& behind) {
  for (const LeftOutLine& line : outcome.left_out) {
    std::fprintf(stderr, "endorm: %s, line %zu is left out: %s\n", line.file.c_str(), line.line, line.reason.c_str());
  }
  if (outcome.resumed_at > 0) {
    std::fprintf(stderr, "endorm: went on behind step %zu\n", outcome.resumed_at);
  }
  std::printf("learnt     %s, matrix products in %s\n", learnt.c_str(), outcome.compute.c_str());
  if (!held_out.empty()) {
    std::printf("held out   %s\n", held_out.c_str());
  }
  std::printf("log        %s/run.jsonl\nwritten    %s%s\n", options.directory.c_str(), outcome.exported.c_str(),
              behind.c_str());
}

void refuse_without_training(const char* command) {
  throw InvalidInput("[" + std::string(command) +
                     "] this endorm was built without training. Call ./run train-setup, then ./run build.");
}

}  // namespace endorm
