#!/usr/bin/env python3
"""Numbers for tests/eval/statistics_golden_test.cpp, by scipy and numpy.

Correlations, ranks and the McNemar test are scipy's. The bootstrap is numpy's arithmetic over indices drawn by the
published generator (xoshiro256++, its state filled by SplitMix64), written here from its paper: the same draws, so the
same values, not merely like ones. Tolerances in the test: 1e-12 relative for sums of a few hundred doubles; 1e-9 for
McNemar, whose first term is a difference of log-gammas as large as n log n (1e6 at n = 100,000, times 2^-53).

    python3 -m venv venv && venv/bin/pip install numpy scipy && venv/bin/python tests/golden/eval_statistics.py
"""
import json
import pathlib

import numpy
import scipy
from scipy import stats

MASK = 2**64 - 1


class Stream:
    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
            self.state.append(mixed ^ (mixed >> 31))

    @staticmethod
    def rotl(word, bits):
        return ((word << bits) | (word >> (64 - bits))) & MASK

    def next(self):
        a, b, c, d = self.state
        result = (self.rotl((a + d) & MASK, 23) + a) & MASK
        c, d = c ^ a, d ^ b
        b, a = b ^ c, a ^ d
        c ^= (self.state[1] << 17) & MASK
        self.state = [a, b, c, self.rotl(d, 45)]
        return result

    def below(self, n):
        while True:
            drawn = self.next()
            if drawn >= 2**64 % n:
                return drawn % n


def draw_values(seed, count, levels):
    """Values on a coarse grid, so that ties occur; the recurrence is simple enough to be plain in the file."""
    generator = numpy.random.default_rng(seed)
    return (generator.integers(-levels, levels + 1, count) / 8).tolist()


def correlation_cases():
    cases = []
    for seed, count, levels in [(1, 2, 50), (2, 3, 1), (3, 10, 4), (4, 200, 1000), (5, 200, 3)]:
        x = draw_values(seed, count, levels)
        y = draw_values(seed + 100, count, levels)
        y = [b + 0.5 * a for a, b in zip(x, y)]
        cases.append({"x": x, "y": y, "pearson": stats.pearsonr(x, y)[0], "spearman": stats.spearmanr(x, y)[0],
                      "ranks_x": stats.rankdata(x).tolist()})
    x = [1e9 + v for v in draw_values(6, 50, 100)]
    y = draw_values(7, 50, 100)
    cases.append({"x": x, "y": y, "pearson": stats.pearsonr(x, y)[0], "spearman": stats.spearmanr(x, y)[0],
                  "ranks_x": stats.rankdata(x).tolist()})
    return cases


def mcnemar_cases():
    pairs = [(0, 0), (1, 0), (0, 1), (5, 5), (3, 10), (10, 3), (0, 40), (60, 90), (500, 430), (50000, 49000), (2, 2000)]
    return [{"first_only": a, "second_only": b, "p": stats.binomtest(a, a + b, 0.5).pvalue if a + b else 1.0}
            for a, b in pairs]


def interval_cases():
    cases = []
    for seed, count in [(1, 1), (2, 2), (3, 40), (4, 1999)]:
        values = sorted(draw_values(seed, count, 300))
        for level in (0.5, 0.9, 0.95):
            low, high = numpy.quantile(values, [(1 - level) / 2, 1 - (1 - level) / 2])
            cases.append({"values": values, "level": level, "low": low, "high": high})
    return cases


def bootstrap_case():
    """The ratio sum(right) / sum(counted) and the mean of two strata's ratios; units of unequal size."""
    generator = numpy.random.default_rng(11)
    units = []
    for i in range(60):
        counted = int(generator.integers(1, 6))
        units.append({"stratum": [7, 2][int(i % 3 == 0)], "right": int(generator.integers(0, counted + 1)),
                      "counted": counted})
    seed, resamples = 42, 500
    stream = Stream(seed)
    strata = [[u for u in units if u["stratum"] == s] for s in (2, 7)]
    pooled, macro = [], []
    for _ in range(resamples):
        drawn = [[members[stream.below(len(members))] for _ in members] for members in strata]
        sums = numpy.array([[sum(u[k] for u in d) for k in ("right", "counted")] for d in drawn], dtype=float)
        pooled.append(sums[:, 0].sum() / sums[:, 1].sum())
        macro.append((sums[:, 0] / sums[:, 1]).mean())
    shifted = sorted(v - 0.5 for v in pooled)
    at_most, at_least = sum(v <= 0 for v in shifted), sum(v >= 0 for v in shifted)
    return {"units": units, "seed": seed, "resamples": resamples, "pooled": sorted(pooled), "macro": sorted(macro),
            "p_of_half": min(1.0, 2 * (min(at_most, at_least) + 1) / (resamples + 1)),
            "interval": numpy.quantile(pooled, [0.025, 0.975]).tolist()}


def calibration_case():
    generator = numpy.random.default_rng(12)
    margins = (generator.normal(0.7, 2.0, 400)).round(3).tolist() + [0.0, 0.0, 900.0, -900.0]
    kept = numpy.array([m for m in margins if m != 0])
    confidence = 1 / (1 + numpy.exp(-numpy.abs(kept)))
    right = (kept > 0).astype(float)
    place = numpy.minimum((confidence - 0.5) / 0.5 * 10, 9).astype(int)
    bins = []
    for b in range(10):
        inside = place == b
        n = int(inside.sum())
        bins.append({"n": n, "confidence": confidence[inside].mean() if n else 0.0,
                     "accuracy": right[inside].mean() if n else 0.0})
    error = sum(b["n"] / len(kept) * abs(b["accuracy"] - b["confidence"]) for b in bins)
    return {"margins": margins, "bins": bins, "expected_error": error, "n": len(kept), "ties": 2}


golden = {
    "made_by": f"tests/golden/eval_statistics.py, numpy {numpy.__version__}, scipy {scipy.__version__}",
    "correlations": correlation_cases(),
    "mcnemar": mcnemar_cases(),
    "intervals": interval_cases(),
    "bootstrap": bootstrap_case(),
    "calibration": calibration_case(),
}
path = pathlib.Path(__file__).with_name("eval_statistics.json")
path.write_text(json.dumps(golden) + "\n", encoding="ascii")
print(path.name, path.stat().st_size)
