#pragma once

#include <cstddef>
#include <vector>

namespace endorm {

// What one source of reward says of one response of T tokens: a number that counts at its last token, numbers at every
// token, or both, which add up.
struct RewardPart {
  double response = 0.0;
  std::vector<double> tokens = {};  // [T], or empty
};

// One sampled response of T tokens and what is known of it.
struct Rollout {
  std::size_t group = 0;                        // responses to the same prompt share it
  std::vector<double> log_prob = {};            // [T] nats, by the policy that sampled it
  std::vector<double> reference_log_prob = {};  // [T] nats, or empty where no KL goes into the reward
  std::vector<double> values = {};       // [T] V of the state before each token, or empty where no critic is used
  std::vector<RewardPart> rewards = {};  // [K] one for each source
};

}  // namespace endorm
