#!/usr/bin/env python3
"""Writes core_golden.json: the quantities of core/ in mpmath at 50 digits.

    python3 tests/golden/core_golden.py     # needs mpmath; half a minute

Logits are not stored. Both sides make them from (seed, size, scale, offset, mask_every) by this recurrence, exact in
integers and in double up to the one rounding to float:
    state = state * 6364136223846793005 + 1442695040888963407  (mod 2^64), from state = seed
    logit[i] = float32(((state >> 40) - 2^23) * scale / 2^23 + offset), rounded once, at the end
    logit[i] = -infinity where mask_every > 0 and i % mask_every == 1
scale and offset are whole numbers below 2^14, so that nothing before the rounding is inexact. Row i of a response of T
tokens has seed + i, and its token is the unmasked one (state >> 40) % size of the recurrence's next step, or the one
after that where it is masked.
"""

import json
import pathlib
import struct

import mpmath
from mpmath import mp, mpf

mp.dps = 50
INFINITY = float("inf")


class Recurrence:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 40


def to_float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def make_row(row):
    """Logits [V] as exact doubles, and the token that is scored."""
    recurrence = Recurrence(row["seed"])
    logits = [
        to_float32((recurrence.next() - 2**23) * row["scale"] / 2**23 + row["offset"]) for _ in range(row["size"])
    ]
    if row["mask_every"]:
        logits = [-INFINITY if i % row["mask_every"] == 1 else logit for i, logit in enumerate(logits)]
    token = recurrence.next() % row["size"]
    if logits[token] == -INFINITY:
        token = (token + 1) % row["size"]
    return logits, token


def row_statistics(logits, alpha):
    """log sum_a exp(q_a / alpha), entropy of p = softmax(q / alpha), KL(uniform || p): as their definitions say."""
    exponentials = [(mp.exp(mpf(q) / alpha), mpf(q) / alpha) for q in logits if q != -INFINITY]
    total = mp.fsum(e for e, _ in exponentials)
    log_sum_exp = mp.log(total)
    entropy = log_sum_exp - mp.fsum(e * scaled for e, scaled in exponentials) / total
    # KL(u || p) = sum_a (1/n) log((1/n) / p_a) over the n unmasked tokens.
    size = len(exponentials)
    divergence = mp.fsum(log_sum_exp - scaled for _, scaled in exponentials) / size - mp.log(size)
    return log_sum_exp, entropy, divergence


def row_cases():
    """Rows of real vocabulary sizes, each at one temperature."""
    cases = []
    for size in (1, 7, 1000, 49152, 151936):
        settings = [(1, 0, 0), (16, 0, 0), (256, 0, 3), (16, 10000, 0), (8, -10000, 5), (8192, 0, 0)]
        for index, (scale, offset, mask_every) in enumerate(settings):
            # All temperatures on small rows; on large ones each setting has one, and the plain rows have all.
            for alpha_index, alpha in enumerate((1.0, 0.5, 2.5)):
                if size <= 1000 or index == 1 or alpha_index == index % 3:
                    cases.append({"seed": 1000 * size + index, "size": size, "scale": scale, "offset": offset,
                                  "mask_every": mask_every if size > 1 else 0, "alpha": alpha})
    for case in cases:
        logits, _ = make_row(case)
        case["log_sum_exp"], case["entropy"], case["uniform_divergence"] = row_statistics(logits, mpf(case["alpha"]))
    return cases


def aggregate(scaled, value, case):
    """Every aggregation of the terms alpha * log pi_h [T], from its definition."""
    count = len(scaled)
    initial = value if case["initial_value"] else mpf(0)
    mean = lambda terms: mp.fsum(terms) / len(terms)
    weights = [max(mpf(case["gamma"]) ** h, mpf(case["floor"])) for h in range(count)]
    step_means = [mean(scaled[begin:end]) for begin, end in case["steps"]]
    result = {
        "sum": mp.fsum(scaled) + initial,
        "mean": (mp.fsum(scaled) + initial) / count,
        "discounted": mp.fsum(w * term for w, term in zip(weights, scaled)) + initial,
        "chunked_mean": mean([mean(scaled[i:i + case["chunk"]]) for i in range(0, count, case["chunk"])]),
        "last_k": mean(scaled[-case["last_k"]:]),
        "step_sums": [mp.fsum(scaled[begin:end]) for begin, end in case["steps"]],
        "step_means": step_means,
    }
    if step_means:
        result["step_mean"] = mean(step_means)
        result["min_step"] = min(step_means)
    return result


def response_cases():
    cases = []
    steps_of = {1: [[0, 1]], 5: [[0, 2], [2, 3], [3, 5]], 40: [[0, 7], [7, 8], [8, 31], [31, 40]]}
    settings = [
        {"alpha": 1.0, "gamma": 0.93, "floor": 0.0, "chunk": 16, "last_k": 16, "initial_value": False},
        {"alpha": 0.5, "gamma": 0.5, "floor": 0.125, "chunk": 2, "last_k": 3, "initial_value": True},
        {"alpha": 2.5, "gamma": 1.0, "floor": 0.0, "chunk": 3, "last_k": 1, "initial_value": True},
        {"alpha": 1.0, "gamma": 0.0, "floor": 0.0, "chunk": 1, "last_k": 100, "initial_value": False},
    ]
    for count, steps in steps_of.items():
        for index, setting in enumerate(settings):
            cases.append({"seed": 77 * count + 100 * index, "tokens": count, "size": 11, "scale": 8, "offset": 3,
                          "mask_every": 4 if index == 1 else 0, "steps": steps if index != 3 else [], **setting})
    for case in cases:
        alpha = mpf(case["alpha"])
        q, values, entropies = [], [], []
        for h in range(case["tokens"]):
            logits, token = make_row({**case, "seed": case["seed"] + h})
            log_sum_exp, entropy, _ = row_statistics(logits, alpha)
            q.append(mpf(logits[token]))
            values.append(alpha * log_sum_exp)
            entropies.append(entropy)
        log_probs = [(q_h - value) / alpha for q_h, value in zip(q, values)]
        # r_h = Q(s_h, a_h) - V(s_{h+1}), V after the last token = 0
        rewards = [q_h - next_value for q_h, next_value in zip(q, values[1:] + [mpf(0)])]
        case |= {"q": q, "value": values, "log_prob": log_probs, "entropy": entropies, "reward": rewards,
                 "return": mp.fsum(rewards),
                 "aggregates": aggregate([alpha * log_prob for log_prob in log_probs], values[0], case)}
    return cases


def preference_cases():
    pairs = [(0, 0), (1, 0), (0, 1), (-3.25, -3.5), (1e-9, 0), (40, 0), (0, 40), (0, 700), (-1000, -300), (800, 0)]
    return [{"first": float(a), "second": float(b), "probability": 1 / (1 + mp.exp(mpf(b) - mpf(a)))} for a, b in pairs]


def to_json(value):
    return float(value) if isinstance(value, mpf) else value


golden = {
    "made_by": f"tests/golden/core_golden.py, mpmath {mpmath.__version__} at {mp.dps} digits, rounded to double",
    "rows": row_cases(),
    "responses": response_cases(),
    "preferences": preference_cases(),
}
path = pathlib.Path(__file__).with_name("core_golden.json")
path.write_text(json.dumps(golden, indent=1, default=to_json) + "\n", encoding="ascii")
print(f"{path.name}: {len(golden['rows'])} rows, {len(golden['responses'])} responses")
