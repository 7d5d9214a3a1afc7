#include "train/sft.h"

#include <chrono>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/engine.h"
#include "train/checkpoint.h"
#include "train/manifest.h"
#include "train/packed_batch.h"
#include "train/trained_model.h"

namespace endorm {
namespace {

std::size_t targets_of(std::span<const TrainingSequence> sequences) {
  std::size_t targets = 0;
  for (const TrainingSequence& sequence : sequences) {
    targets += sequence.targets();
  }
  return targets;
}

}  // namespace

SftRun::SftRun(Decoder& decoder, const TrainingData& data, const TrainingData& held_out, const SftOptions& options)
    : decoder_(decoder),
      data_(data),
      held_out_(held_out),
      options_(options),
      optimizer_(decoder.begin_learning(),
                 {.weight_decay = options.run.weight_decay, .clip_norm = options.run.clip_norm}),
      walk_(data.sequences.size(), options.run.seed) {}

TrainingStep SftRun::advance() {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<TrainingSequence> batch =
      walk_.of_step(std::span<const TrainingSequence>(data_.sequences), options_.batch, done_);
  const std::size_t targets = targets_of(batch);
  const double learning_rate = options_.run.schedule.at(done_, options_.run.steps);
  TrainingStep step{.step = done_ + 1};
  double loss = 0.0;
  optimizer_.clear_gradients();
  for (const SequenceRange range : passes_of(batch, options_.run.pass_tokens)) {
    const PackedBatch packed = pack(range.of(std::span<const TrainingSequence>(batch)), decoder_.device());
    const torch::Tensor part = -decoder_.log_probs(packed).log_prob.sum() * (1.0 / static_cast<double>(targets));
    part.backward();
    loss += part.item<double>();
    step.tokens += static_cast<std::size_t>(packed.tokens.size(0));
  }
  if (!std::isfinite(loss)) {
    throw EngineError("[sft] the loss of step " + std::to_string(step.step) +
                      " is not finite; a smaller --learning-rate may help");
  }
  const double gradient_norm = optimizer_.step(learning_rate);
  ++done_;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  step.metrics = {{"loss", loss},
                  {"learning_rate", learning_rate},
                  {"gradient_norm", gradient_norm},
                  {"tokens", static_cast<double>(step.tokens)},
                  {"targets", static_cast<double>(targets)},
                  {"tokens_per_second", static_cast<double>(step.tokens) / seconds}};
  if (!held_out_.sequences.empty() && (done_ == options_.run.steps || done_ % options_.held_out_every == 0)) {
    step.held_out = mean_loss(decoder_, held_out_.sequences, options_.run.pass_tokens);
    step.metrics.emplace_back("held_out_loss", *step.held_out);
  }
  return step;
}

void SftRun::save(const std::string& path, const std::string& fingerprint) {
  save_checkpoint(path, fingerprint, done_, decoder_.learning(), optimizer_);
}

void SftRun::resume(const std::string& path, const std::string& fingerprint) {
  done_ = load_checkpoint(path, fingerprint, decoder_.learning(), optimizer_);
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

TrainingOutcome run_sft(const SftOptions& given, const Engine& engine, const StepReport& report) {
  SftOptions options = given;
  const auto read = [&](const std::string& path) {
    return path.empty() ? TrainingData()
                        : read_training_data(path, engine, options.text, options.max_tokens, options.every_turn);
  };
  const TrainingData data = read(options.data);
  const TrainingData held_out = read(options.held_out);
  if (options.run.steps == 0) {
    options.run.steps = (options.epochs * data.sequences.size() + options.batch - 1) / options.batch;
  }
  TrainedModel model = load_trained_model(options.run, engine.model().vocabulary);
  SftRun run(model.decoder, data, held_out, options);
  TrainingOutcome outcome =
      run_training(run, model, options.run, sft_manifest(options, engine, data, model.compute), report);
  outcome.examples = data.sequences.size();
  outcome.left_out = data.left_out;
  outcome.left_out.insert(outcome.left_out.end(), held_out.left_out.begin(), held_out.left_out.end());
  return outcome;
}

}  // namespace endorm
