#!/usr/bin/env python3
"""Numbers for tests/train/advantage_golden_test.cpp and policy_loss_test.cpp, by numpy and torch.

Every definition is written from its paper and not from our code: GAE as the double sum over later errors (Schulman et
al., equation 16) and not as a recurrence; leave-one-out as an explicit mean of the others; the losses by torch in double,
their gradients by autograd. Tolerance in the tests: 1e-12, for sums of at most some hundred doubles of size 1.

    python3 -m venv venv && venv/bin/pip install numpy torch && venv/bin/python tests/golden/train_advantages.py
"""
import json
import pathlib

import numpy
import torch

EPSILON = 1e-4  # added to standard deviations
BETA = 0.05  # of the KL in the reward
GAMMA = 0.97
LAMBDA = 0.9


def draw_batch(seed):
    """Four prompts with 4, 3, 2 and 5 responses; the responses of a prompt do not lie side by side."""
    generator = numpy.random.default_rng(seed)
    groups = generator.permutation([7] * 4 + [2] * 3 + [5] * 2 + [11] * 5)
    rollouts = []
    for group in groups:
        tokens = int(generator.integers(1, 9))
        log_prob = -generator.exponential(1.0, tokens)
        rollouts.append({
            "group": int(group),
            "log_prob": log_prob.tolist(),
            "reference_log_prob": (log_prob + generator.normal(0.0, 0.3, tokens)).tolist(),
            "values": generator.normal(0.0, 1.0, tokens).tolist(),
            "verified": float(generator.integers(0, 2)),
            "dense": generator.normal(-1.0, 0.7, tokens).tolist(),
        })
    return rollouts


def token_rewards(rollout, dense):
    rewards = numpy.array(rollout["dense"]) if dense else numpy.zeros(len(rollout["log_prob"]))
    if not dense:
        rewards[-1] = rollout["verified"]
    ratio = numpy.exp(numpy.array(rollout["reference_log_prob"]) - numpy.array(rollout["log_prob"]))
    return rewards - BETA * (ratio - 1.0 - numpy.log(ratio))


def whitened(lists):
    flat = numpy.concatenate(lists)
    return [((one - flat.mean()) / (flat.std(ddof=1) + EPSILON)).tolist() for one in lists]


def generalised(rewards, values):
    following = numpy.append(values[1:], 0.0)
    errors = rewards + GAMMA * following - values
    count = len(errors)
    return numpy.array([sum((GAMMA * LAMBDA) ** (later - t) * errors[later] for later in range(t, count))
                        for t in range(count)])


def in_group(rollouts, i):
    return [j for j in range(len(rollouts)) if rollouts[j]["group"] == rollouts[i]["group"]]


def advantages(rollouts, dense):
    rewards = [token_rewards(rollout, dense) for rollout in rollouts]
    scores = numpy.array([one.sum() for one in rewards])
    count = len(rollouts)
    values = [numpy.array(rollout["values"]) for rollout in rollouts]

    def level(scalar):
        return [[scalar(i)] * len(rewards[i]) for i in range(count)]

    raw = [generalised(rewards[i], values[i]) for i in range(count)]
    to_go = [numpy.array([sum(GAMMA ** (later - t) * one[later] for later in range(t, len(one)))
                          for t in range(len(one))]) for one in rewards]
    centred = [numpy.full(len(rewards[i]), scores[i] - scores[in_group(rollouts, i)].mean()) for i in range(count)]
    return {
        "ppo_returns": [(raw[i] + values[i]).tolist() for i in range(count)],
        "ppo_standardised": whitened(raw),
        "grpo": level(lambda i: (scores[i] - scores[in_group(rollouts, i)].mean())
                      / (scores[in_group(rollouts, i)].std(ddof=1) + EPSILON)),
        "grpo_undivided": level(lambda i: scores[i] - scores[in_group(rollouts, i)].mean()),
        "rloo": level(lambda i: scores[i] - numpy.mean([scores[j] for j in in_group(rollouts, i) if j != i])),
        "reinforce++": whitened(to_go),
        "reinforce++_baseline": whitened(centred),
    }


def mixture(rollouts):
    """0.7 of the verified reward normalised in its group, 0.3 of the dense one normalised over the batch's tokens."""
    pool = numpy.concatenate([rollout["dense"] for rollout in rollouts])
    mixed = []
    for i, rollout in enumerate(rollouts):
        verified = numpy.array([rollouts[j]["verified"] for j in in_group(rollouts, i)])
        rewards = 0.3 * (numpy.array(rollout["dense"]) - pool.mean()) / (pool.std(ddof=1) + EPSILON)
        rewards[-1] += 0.7 * (rollout["verified"] - verified.mean()) / (verified.std(ddof=1) + EPSILON)
        mixed.append(rewards.tolist())
    return mixed


def losses(seed):
    generator = torch.Generator().manual_seed(seed)
    count = 40

    def draw(scale):
        return scale * torch.randn(count, dtype=torch.float64, generator=generator)

    old = -draw(1.0).abs()
    log_prob = (old + draw(0.4)).requires_grad_()
    reference = old + draw(0.2)
    advantage = draw(2.0)
    weight = draw(1.0).abs()
    weight = weight / weight.sum()
    ratio = (log_prob - old).exp()
    gain = torch.minimum(ratio * advantage, torch.clamp(ratio, 0.8, 1.2) * advantage)
    cut = ((advantage > 0) & (ratio > 1.2)) | ((advantage < 0) & (ratio < 0.8))
    difference = log_prob - reference
    cases = {}
    for kl, estimate in {"k1": difference, "k2": difference**2 / 2, "k3": (-difference).exp() - 1 + difference}.items():
        loss = (weight * (-gain + 0.1 * estimate)).sum()
        (gradient,) = torch.autograd.grad(loss, log_prob, retain_graph=True)
        cases[kl] = {"loss": loss.item(), "gradient": gradient.tolist()}
    return {"kl_coefficient": 0.1, "log_prob": log_prob.tolist(), "old_log_prob": old.tolist(),
            "reference_log_prob": reference.tolist(), "advantage": advantage.tolist(), "weight": weight.tolist(),
            "approximate_kl": (weight * (ratio - 1 - ratio.log())).sum().item(),
            "clip_fraction": (weight * cut).sum().item(), "cases": cases}


def main():
    rollouts = draw_batch(20261126)
    out = {
        "made_by": f"tests/golden/train_advantages.py, numpy {numpy.__version__}, torch {torch.__version__.split('+')[0]}",
        "epsilon": EPSILON, "kl_coefficient": BETA, "gamma": GAMMA, "lambda": LAMBDA,
        "rollouts": rollouts,
        "last_token": advantages(rollouts, dense=False),
        "dense": advantages(rollouts, dense=True),
        "mixture": mixture(rollouts),
        "losses": losses(7),
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
