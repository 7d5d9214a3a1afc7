#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/decoder.h"
#include "train/optimizer.h"
#include "train/rl_options.h"
#include "train/training_data.h"

namespace endorm {

// What the policy says of B responses, read again by the trainer.
struct PolicyReading {
  std::vector<std::vector<double>> log_prob;  // [B][T] nats
  std::vector<std::vector<double>> values;    // [B][T] of the critic; empty where there is none
  double entropy = 0.0;                       // mean over tokens, nats
};

// What B responses are learnt with.
struct PolicyTargets {
  std::vector<std::vector<double>> old_log_prob;        // [B][T] by the policy that drew them; empty: it is this one
  std::vector<std::vector<double>> reference_log_prob;  // [B][T]
  std::vector<std::vector<double>> advantage;           // [B][T]
  std::vector<std::vector<double>> returns;             // [B][T] PPO; empty otherwise
  std::vector<std::vector<double>> old_values;          // [B][T] PPO; empty otherwise
};

// What an update did: means over its optimizer steps.
struct PolicyUpdate {
  double loss = 0.0;
  double gradient_norm = 0.0;  // before clipping
  double clip_fraction = 0.0;
  double approximate_kl = 0.0;  // KL(pi_old || pi), nats a token
  double value_loss = 0.0;      // PPO
  PolicyReading reading;        // of the policy before it; its values stay empty
};

// A decoder that learns from the responses it gave; with PPO, a critic on top of its last hidden states: a linear head
// that begins at 0. One caller at a time; the decoder must outlive it.
class PolicyLearner {
 public:
  // Turns on the decoder's gradients.
  PolicyLearner(Decoder& decoder, const RlOptions& options);

  // Without gradients. Each sequence's targets are a response.
  PolicyReading read(std::span<const TrainingSequence> responses) const;

  // Epochs and minibatches as the options say; `seed` orders the responses, so that a minibatch is not a group. Throws
  // EngineError where loss or gradient are not finite, naming the remedy.
  PolicyUpdate update(std::span<const TrainingSequence> responses, const PolicyTargets& targets, double learning_rate,
                      std::uint64_t seed);

  // See train/checkpoint.h.
  void save(const std::string& path, const std::string& fingerprint, std::size_t step) const;
  std::size_t resume(const std::string& path, const std::string& fingerprint);

 private:
  NamedTensors learning_with_critic();
  torch::Tensor values(const torch::Tensor& hidden, const PackedBatch& batch) const;
  PolicyUpdate optimizer_step(std::span<const TrainingSequence> responses, const PolicyTargets& targets,
                              std::span<const std::size_t> some, double learning_rate, PolicyReading& reading);

  Decoder& decoder_;
  RlOptions options_;
  NamedTensors critic_;  // empty without PPO
  NamedTensors learning_;
  Optimizer optimizer_;
};

}  // namespace endorm
