#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "train/learning_rate.h"
#include "train/training_data.h"

namespace endorm {

class Decoder;

struct SftOptions {
  // What changes the weights.
  std::size_t batch = 16;  // sequences a step
  LearningRateSchedule schedule;
  double weight_decay = 0.0;
  double clip_norm = 1.0;
  std::uint64_t seed = 0;  // of the order of the data

  // What changes only speed and memory.
  std::size_t pass_tokens = 2048;  // tokens in one forward and backward pass; a longer sequence is one of its own
};

// What one step did.
struct SftStep {
  std::size_t step = 0;  // from 1
  double loss = 0.0;     // mean -log pi over the target tokens of the step, nats, before it
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  // before clipping
  std::size_t tokens = 0;      // through the model
  std::size_t targets = 0;
};

// Supervised training of a decoder on sequences: the mean over a step's target tokens of -log pi falls. Every sequence
// is seen once an epoch, in an order of its own. Deterministic for one machine, thread count and seed. One caller at a
// time; keeps references to the decoder and the data, which must outlive it.
class SftRun {
 public:
  // Turns on the decoder's gradients.
  SftRun(Decoder& decoder, const TrainingData& data, const SftOptions& options);
  ~SftRun();
  SftRun(const SftRun&) = delete;
  SftRun& operator=(const SftRun&) = delete;

  std::size_t steps_done() const;
  // Throws EngineError where loss or gradient are not finite; the weights are then those of the step before.
  SftStep advance();

  // See train/checkpoint.h; fingerprint: what the run's result depends on.
  void save(const std::string& path, const std::string& fingerprint) const;
  void resume(const std::string& path, const std::string& fingerprint);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Mean -log pi over the targets of all sequences, nats, without gradients.
double mean_loss(const Decoder& decoder, std::span<const TrainingSequence> sequences, std::size_t pass_tokens);

}  // namespace endorm
