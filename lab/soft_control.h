#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "lab/token_mdp.h"

namespace endorm::lab {

// Exact control of a tabular problem. gamma in (0, 1] discounts: a return is sum_h gamma^(h-1) r_h. Sums in double.

// sum_h gamma^(h-1) over H steps: H itself at gamma = 1.
double effective_horizon(std::size_t horizon, double gamma);

// E over s' of the next step's state table, of a pair s * V + a; 0 after the last step.
double expected_next(const TabularMdp& mdp, const StateTable& values, std::size_t h, std::size_t pair);

// Backward induction: Q(s, a) = r(s, a) + gamma E V(s'), where value_of(h, s, Q(s, .) [V]) is the value of a state.
struct Solution {
  Table q;
  StateTable values;
};
using StateValue = std::function<double(std::size_t h, std::size_t s, std::span<const double> q)>;
Solution backward(const TabularMdp& mdp, const Table& rewards, double gamma, const StateValue& value_of);

// V(s) = alpha * logsumexp_a( Q(s, a) / alpha ) of every state. Throws InvalidInput on alpha <= 0.
StateTable soft_values(const Table& q, std::size_t actions, double alpha);
// log pi(a | s) = (Q(s, a) - V(s)) / alpha, nats.
Table soft_policy(const Table& q, std::size_t actions, double alpha);
// The soft-optimal Q(s, a) = r(s, a) + gamma E V(s'), by backward induction.
Table soft_optimal(const TabularMdp& mdp, const Table& rewards, double alpha, double gamma = 1.0);
// Its policy, log probabilities: the expert of these rewards.
Table soft_optimal_policy(const TabularMdp& mdp, const Table& rewards, double alpha, double gamma = 1.0);

// How the reward of a token comes out of Q(s, a) and what follows: next_log_sum_exp = E log sum_a exp(Q(s', a) /
// alpha), 0 after the last token. The right rule is the inverse soft Bellman operator, Q - gamma V'; tests put wrong
// ones in its place and see the claims fail.
struct NextState {
  double log_sum_exp = 0.0;  // E over s', nats
  double alpha = 1.0;
  double gamma = 1.0;
};
using RewardRule = double (*)(double q, const NextState& next);
double inverse_soft_bellman(double q, const NextState& next);
// The endogenous reward r(s, a) that logits q stand for (arXiv:2506.23235; core's token_rewards along a text).
Table endogenous_reward(const TabularMdp& mdp, const Table& q, double alpha, double gamma = 1.0,
                        RewardRule rule = inverse_soft_bellman);

// exp of every entry: log probabilities to probabilities.
Table exponentials(const Table& log_probs);
// The policy that maximises the plain expected return, as probabilities 0 and 1; the first of equal actions.
Table greedy_policy(const TabularMdp& mdp, const Table& rewards, double gamma = 1.0);
// Expected return of every action under a policy given as probabilities: Q^pi(s, a).
Table action_values(const TabularMdp& mdp, const Table& rewards, const Table& policy, double gamma = 1.0);
// Expected return from the first state.
double expected_return(const TabularMdp& mdp, const Table& rewards, const Table& policy, double gamma = 1.0);
// Probability that step h is at s and takes a.
Table visits(const TabularMdp& mdp, const Table& policy);

// One way through a problem.
struct Trajectory {
  std::vector<std::size_t> states;   // [H]
  std::vector<std::size_t> actions;  // [H]
  double dynamics = 1.0;             // probability of its states given its actions, the first state's included
};
// All of them, in lexicographic order. Throws InvalidInput where there are more than a million.
std::vector<Trajectory> all_trajectories(const TabularMdp& mdp);
// Drawn from a policy given as probabilities: one, and n of them.
Trajectory sampled_trajectory(const TabularMdp& mdp, const Table& policy, RandomStream& random);
std::vector<Trajectory> sampled_trajectories(const TabularMdp& mdp, const Table& policy, std::size_t n,
                                             RandomStream& random);
// sum_h gamma^(h-1) table(s_h, a_h): a return of rewards, the log probability of log probabilities.
double along(const Trajectory& trajectory, const Table& table, std::size_t actions, double gamma = 1.0);

}  // namespace endorm::lab
