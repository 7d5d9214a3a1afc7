#include "train/sft.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/errors.h"
#include "train/checkpoint.h"
#include "train/decoder.h"
#include "train/optimizer.h"
#include "train/packed_batch.h"

namespace endorm {
namespace {

std::size_t targets_of(std::span<const TrainingSequence> sequences) {
  std::size_t targets = 0;
  for (const TrainingSequence& sequence : sequences) {
    targets += sequence.tokens.size() - sequence.first_target;
  }
  return targets;
}

}  // namespace

struct SftRun::State {
  State(Decoder& given, const TrainingData& sequences, const SftOptions& chosen)
      : decoder(given),
        data(sequences),
        options(chosen),
        optimizer(learning_of(given), adam_of(chosen)),
        walk(sequences.sequences.size(), chosen.seed) {}

  static NamedTensors learning_of(Decoder& decoder) {
    decoder.begin_learning();
    return decoder.learning();
  }
  static AdamWOptions adam_of(const SftOptions& options) {
    return {.weight_decay = options.weight_decay, .clip_norm = options.clip_norm};
  }

  // The sequences of a step, where the data are walked through again and again, each epoch in its own order.
  std::vector<TrainingSequence> batch_of(std::size_t step) {
    std::vector<TrainingSequence> batch;
    for (std::size_t index = 0; index < options.batch; ++index) {
      batch.push_back(data.sequences[walk.at(step * options.batch + index)]);
    }
    return batch;
  }

  Decoder& decoder;
  const TrainingData& data;
  SftOptions options;
  Optimizer optimizer;
  std::size_t done = 0;
  EpochWalk walk;
};

SftRun::SftRun(Decoder& decoder, const TrainingData& data, const SftOptions& options) {
  if (options.batch == 0) {
    throw InvalidInput("[sft] a step needs at least one sequence");
  }
  state_ = std::make_unique<State>(decoder, data, options);
}

SftRun::~SftRun() = default;

std::size_t SftRun::steps_done() const { return state_->done; }

SftStep SftRun::advance() {
  const std::vector<TrainingSequence> batch = state_->batch_of(state_->done);
  SftStep step{.step = state_->done + 1, .learning_rate = state_->options.schedule.at(state_->done)};
  step.targets = targets_of(batch);
  const double share = 1.0 / static_cast<double>(step.targets);
  state_->optimizer.clear_gradients();
  for (const SequenceRange range : passes_of(batch, state_->options.pass_tokens)) {
    const PackedBatch packed = pack(range.of(std::span<const TrainingSequence>(batch)), state_->decoder.device());
    const torch::Tensor loss = -state_->decoder.log_probs(packed).log_prob.sum() * share;
    loss.backward();
    step.loss += loss.item<double>();
    step.tokens += static_cast<std::size_t>(packed.tokens.size(0));
  }
  if (!std::isfinite(step.loss)) {
    throw EngineError("[sft] the loss of step " + std::to_string(step.step) +
                      " is not finite; a smaller --learning-rate may help");
  }
  step.gradient_norm = state_->optimizer.step(step.learning_rate);
  ++state_->done;
  return step;
}

void SftRun::save(const std::string& path, const std::string& fingerprint) const {
  save_checkpoint(path, fingerprint, state_->done, state_->decoder.learning(), state_->optimizer);
}

void SftRun::resume(const std::string& path, const std::string& fingerprint) {
  state_->done = load_checkpoint(path, fingerprint, state_->decoder.learning(), state_->optimizer);
}

double mean_loss(const Decoder& decoder, std::span<const TrainingSequence> sequences, std::size_t pass_tokens) {
  torch::NoGradGuard no_gradients;
  double sum = 0.0;
  for (const SequenceRange range : passes_of(sequences, pass_tokens)) {
    sum -= decoder.log_probs(pack(range.of(sequences), decoder.device()))
               .log_prob.to(torch::kFloat64)
               .sum()
               .item<double>();
  }
  return sum / static_cast<double>(targets_of(sequences));
}

}  // namespace endorm
