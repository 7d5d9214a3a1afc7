#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "train/decoder.h"
#include "train/optimizer.h"
#include "train/sft_options.h"
#include "train/training_data.h"
#include "train/training_run.h"

namespace endorm {

// Supervised training of a decoder on sequences: the mean over a step's target tokens of -log pi falls. Every sequence
// is seen once an epoch, in an order of its own. Deterministic for one machine, thread count and seed. Keeps references
// to the decoder and the data, which must outlive it.
class SftRun : public Learner {
 public:
  // Turns on the decoder's gradients. held_out: whose loss is measured, never learnt; may be empty.
  SftRun(Decoder& decoder, const TrainingData& data, const TrainingData& held_out, const SftOptions& options);

  std::size_t steps_done() const override { return done_; }
  TrainingStep advance() override;
  void save(const std::string& path, const std::string& fingerprint) override;
  void resume(const std::string& path, const std::string& fingerprint) override;

 private:
  Decoder& decoder_;
  const TrainingData& data_;
  const TrainingData& held_out_;
  SftOptions options_;
  Optimizer optimizer_;
  EpochWalk walk_;
  std::size_t done_ = 0;
};

// Mean -log pi over the targets of all sequences, nats, without gradients.
double mean_loss(const Decoder& decoder, std::span<const TrainingSequence> sequences, std::size_t pass_tokens);

}  // namespace endorm
