#pragma once

#include <cstddef>

#include "lab/soft_control.h"
#include "lab/token_mdp.h"

namespace endorm::lab {

// A problem with its expert and a model within eps of him, both as log probabilities. In those below the true reward is
// alpha times the expert's log probability, so that every soft value is 0 and the expert is soft-optimal for it; any
// token problem has this form up to shaping.
struct WorstCase {
  TabularMdp mdp;
  double alpha = 1.0;
  Table expert;
  Table model;
};

// The slippery chain. The first token chooses one of two chains, evenly. On a chain, token 0 stays on it; any other
// slips, with probability `slip` in all, into noise: uniform tokens to the end, worth alpha log V less a step than the
// chain. The model slips from the first chain e^eps times as often, and knows the second, which slips a little more
// often than the first (by 0.9 of the model's error): a decoy for whoever maximises the model's reward.
//   Imitation loses at the first order slip (e^eps - 1) (H - 1)(H - 2) / 4 alpha log V, as long as H slip is small.
//   RL on the endogenous reward takes the decoy and loses about 0.9 alpha (H - 1) slip (e^eps - 1).
struct SlipShape {
  std::size_t actions = 4;  // even
  std::size_t horizon = 8;
  double alpha = 1.0;
  double eps = 0.1;
  double slip = 1e-4;  // e^eps slip <= 1 / 2
};
WorstCase slippery_chain(const SlipShape& shape);

// The walk. For H / 2 steps even tokens go up and odd ones down, at even odds; then come H / 2 steps that are noise for
// as many steps as the walk ended high, in units in which the walk's spread fills H / 2, and near certain (1 - 1e-3)
// after. The model goes up too often, by eps. Imitation loses in proportion to eps H^1.5 at every H.
WorstCase walk(std::size_t actions, std::size_t horizon, double alpha, double eps);

}  // namespace endorm::lab
