#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/random.h"
#include "lab/soft_control.h"
#include "lab/token_mdp.h"

namespace endorm::lab {

// Policies that imitate an expert. All are log probabilities, nats. "Within eps" means, as in the paper,
// |log pi_E(a | s) - log pi_hat(a | s)| <= eps at every state and action.

// max |left - right| over all entries.
double largest_difference(const Table& left, const Table& right);

// Raw logits of a policy: alpha log pi plus a normal constant at each state, times `shift`. Next-token prediction fixes
// none of these constants.
Table logits_of(const Table& log_policy, std::size_t actions, double alpha, double shift, RandomStream& random);

// Within eps of the expert, in a random direction at each state: log pi_hat = log pi_E + t u - log Z with u uniform on
// [-1, 1]^V, t such that the largest error is eps (up to 1e-9 of it, from below).
Table random_within(const Table& expert, std::size_t actions, double eps, RandomStream& random);

// The row within eps of `log_probs` [V] that maximises sum_a pi_hat(a) weights(a): tokens of large weight at e^eps
// times their probability, of small weight at e^-eps times, and one between that takes the rest.
std::vector<double> tilted(std::span<const double> log_probs, std::span<const double> weights, double eps);

// The policy within eps that has the smallest expected return of `rewards`: the worst case of imitation, exactly, by
// backward induction over tilted rows.
Table worst_within(const TabularMdp& mdp, const Table& rewards, const Table& expert, double eps, double gamma = 1.0);

// The policy within eps that makes the tokens of `raised` as likely and those of `lowered` as unlikely as it can; the
// same as the expert at states that neither passes.
Table pulled_apart(const Table& expert, std::size_t actions, double eps, const Trajectory& raised,
                   const Trajectory& lowered);

// A tabular softmax fitted by maximum likelihood: pi_hat(a | s) = n(s, a) / n(s), uniform where s was never seen.
// pseudo_count is added to every n(s, a): 0 is the likelihood's own optimum, in which an action that was not seen has
// log probability -infinity.
Table maximum_likelihood(const TabularMdp& mdp, std::span<const Trajectory> data, double pseudo_count);
// The same of data given as visits (or counts) of every state and action.
Table likelihood_optimum(Table visits, std::size_t actions);
// A table that begins at `begin` everywhere and gains `each` where a trajectory goes.
Table visit_counts(const TabularMdp& mdp, std::span<const Trajectory> data, double begin, double each);

}  // namespace endorm::lab
