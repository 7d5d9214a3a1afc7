#pragma once

#include <cstddef>

#include "lab/soft_control.h"
#include "lab/token_mdp.h"

namespace endorm::lab {

// Offline maximum-entropy inverse reinforcement learning over data given as visits (Ziebart et al. 2008; for logits,
// Garg et al. 2021): the reward that maximises
//   J(r) = E_data[ sum_h r(s_h, a_h) ] - max_pi E_pi[ sum_h r(s_h, a_h) - alpha log pi(a_h | s_h) ]
//        = E_data[ return ] - E_{s_1}[ V_r(s_1) ],
// concave in r [S, A], with gradient visits(data) - visits(soft-optimal policy of r).

// E_data[ sum_h table(s_h, a_h) ]. Where the data never go the table may be infinite.
double expectation(const Table& data_visits, const Table& table);
double offline_objective(const TabularMdp& mdp, const Table& data_visits, const Table& rewards, double alpha);

struct Ascent {
  Table rewards;
  double objective = 0.0;
  double gradient = 0.0;  // largest entry
  std::size_t steps = 0;
};
// Gradient ascent with momentum (Nesterov's, started anew where it points downhill) and steps of alpha / H, the inverse
// of the objective's largest curvature, until no entry of the gradient is above `tolerance`, or most_steps.
Ascent ascend(const TabularMdp& mdp, const Table& data_visits, double alpha, const Table& start, double tolerance,
              std::size_t most_steps);

}  // namespace endorm::lab
