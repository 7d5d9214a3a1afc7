#!/usr/bin/env python3
"""Writes lab_golden.json: the lab's quantities on small problems, by other routes, in numpy.

    python3 tests/golden/lab_golden.py     # needs numpy; seconds

Token problems are trees: state s at step h followed by token a is state s * V + a. Where the lab recurses, this sums over
all V^H texts: soft values and policies are a log-sum-exp of returns, expected returns a sum over texts, the inverse-RL
objective has its partition function. The worst policy within eps is the best of all vertices of its polytope, found one
by one. Rewards and policies are stored with 17 digits, so both sides start from the same doubles; what is compared agrees
to 1e-11: sums of at most a few thousand terms of the order of 10.
"""
import itertools
import json
import pathlib

import numpy as np


def texts_of(actions, horizon):
    return list(itertools.product(range(actions), repeat=horizon))


def state_of(text, step, actions):
    state = 0
    for token in text[:step]:
        state = state * actions + token
    return state


def log_sum_exp(values):
    top = np.max(values)
    return float(top + np.log(np.sum(np.exp(np.asarray(values) - top))))


def along(text, table, actions, gamma=1.0):
    return sum(gamma**h * table[h][state_of(text, h, actions) * actions + a] for h, a in enumerate(text))


def soft_policy(rewards, actions, horizon, alpha):
    """log pi(a | s) as the log share of exp(return / alpha) of the texts through (s, a) among those through s."""
    texts = texts_of(actions, horizon)
    returns = {text: along(text, rewards, actions) / alpha for text in texts}
    policy = []
    for h in range(horizon):
        row = []
        for prefix in itertools.product(range(actions), repeat=h):
            whole = log_sum_exp([returns[t] for t in texts if t[:h] == prefix])
            row += [log_sum_exp([returns[t] for t in texts if t[: h + 1] == (*prefix, a)]) - whole for a in range(actions)]
        policy.append(row)
    return policy, alpha * log_sum_exp(list(returns.values()))


def value(policy, rewards, actions, horizon, gamma=1.0):
    return sum(np.exp(along(t, policy, actions)) * along(t, rewards, actions, gamma) for t in texts_of(actions, horizon))


def vertices(row, eps):
    """Corners of {p : sum p = 1, |log p - row| <= eps}: all tokens but one at a bound."""
    low, high = np.exp(np.asarray(row) - eps), np.exp(np.asarray(row) + eps)
    for free in range(len(row)):
        others = [i for i in range(len(row)) if i != free]
        for ends in itertools.product((0, 1), repeat=len(others)):
            corner = np.zeros(len(row))
            for i, end in zip(others, ends):
                corner[i] = (low, high)[end][i]
            corner[free] = 1.0 - corner.sum()
            if low[free] - 1e-15 <= corner[free] <= high[free] + 1e-15:
                yield corner


def worst_return(policy, rewards, actions, horizon, eps, step=0, state=0):
    """Smallest expected return of a policy within eps, from a state on."""
    returns = []
    for a in range(actions):
        later = 0.0 if step + 1 == horizon else worst_return(policy, rewards, actions, horizon, eps, step + 1, state * actions + a)
        returns.append(rewards[step][state * actions + a] + later)
    row = policy[step][state * actions : (state + 1) * actions]
    return float(min(corner @ np.asarray(returns) for corner in vertices(row, eps)))


def problem(seed, actions, horizon, alpha, gamma, eps):
    random = np.random.default_rng(seed)
    shape = [actions ** (h + 1) for h in range(horizon)]
    rewards = [list(random.normal(size=n)) for n in shape]
    logits = [list(2.0 * random.normal(size=n)) for n in shape]
    texts = texts_of(actions, horizon)
    policy, soft = soft_policy(rewards, actions, horizon, alpha)
    imitation = [[row[i] - log_sum_exp(row[i - i % actions : i - i % actions + actions]) for i in range(len(row))] for row in logits]
    # The endogenous return of logits as they are, and the preferences that it and the true reward induce.
    q_policy = [[logits[h][i] / alpha - log_sum_exp(np.asarray(logits[h][i - i % actions : i - i % actions + actions]) / alpha)
                 for i in range(len(logits[h]))] for h in range(horizon)]
    first = alpha * log_sum_exp(np.asarray(logits[0]) / alpha)
    endogenous = [alpha * along(t, q_policy, actions, gamma) + first for t in texts]
    true = [along(t, rewards, actions, gamma) for t in texts]
    sigmoid = lambda x: 1.0 / (1.0 + np.exp(-x))
    variation = max(abs(sigmoid(true[i] - true[j]) - sigmoid(endogenous[i] - endogenous[j]))
                    for i in range(len(texts)) for j in range(i))
    # The inverse-RL objective of the rewards, with the texts that the logits' policy writes as data.
    data = [np.exp(along(t, imitation, actions)) for t in texts]
    objective = sum(p * along(t, rewards, actions) for p, t in zip(data, texts)) - soft
    return {"actions": actions, "horizon": horizon, "alpha": alpha, "gamma": gamma, "eps": eps, "rewards": rewards, "logits": logits,
            "soft_value": soft, "soft_policy": policy, "soft_policy_return": value(policy, rewards, actions, horizon, gamma),
            "best_return": max(true), "endogenous_returns": endogenous, "variation": variation, "objective": objective,
            "worst_return": worst_return(policy, rewards, actions, horizon, eps)}


def main():
    problems = [problem(1, 2, 2, 1.0, 1.0, 0.1), problem(2, 3, 3, 0.5, 0.9, 0.3), problem(3, 2, 5, 2.0, 0.7, 0.05),
                problem(4, 4, 3, 0.3, 1.0, 0.5), problem(5, 5, 2, 1.3, 0.5, 1.0), problem(6, 3, 4, 0.8, 1.0, 0.02)]
    path = pathlib.Path(__file__).with_name("lab_golden.json")
    path.write_text(json.dumps({"problems": problems}, indent=None, default=float) + "\n")


if __name__ == "__main__":
    main()
