#!/usr/bin/env python3
"""Numbers for tests/eval/statistics_golden_test.cpp, by scipy, statsmodels and numpy.

Correlations, ranks and the McNemar test are scipy's, and so is the exact test of paired differences (every exchange of
pairs). Wilson's intervals and Holm's correction are statsmodels'. The test of choices against chance is the sum over all
outcomes, 2^n of them, by numpy. The bootstrap is numpy's arithmetic over indices drawn by the
published generator (xoshiro256++, its state filled by SplitMix64), written here from its paper: the same draws, so the
same values, not merely like ones. Tolerances in the test: 1e-12 relative for sums of a few hundred doubles; 1e-9 for
McNemar, whose first term is a difference of log-gammas as large as n log n (1e6 at n = 100,000, times 2^-53); 1e-12
absolute for exact p-values and for ends of intervals, which are between 0 and 1 and may be 0 in one of the two and the
rounding of 1 in the other.

    python3 -m venv venv && venv/bin/pip install numpy scipy statsmodels && venv/bin/python tests/golden/eval_statistics.py
"""
import itertools
import json
import pathlib

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

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
                      "kendall": stats.kendalltau(x, y)[0],
                      "ranks_x": stats.rankdata(x).tolist()})
    x = [1e9 + v for v in draw_values(6, 50, 100)]
    y = draw_values(7, 50, 100)
    cases.append({"x": x, "y": y, "pearson": stats.pearsonr(x, y)[0], "spearman": stats.spearmanr(x, y)[0],
                  "kendall": stats.kendalltau(x, y)[0],
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


def wilson_cases():
    cases = []
    for successes, trials in [(0, 1), (1, 1), (1, 3), (7, 8), (0, 19), (19, 19), (4.5, 9), (2.25, 7.5), (300, 1000)]:
        for level in (0.5, 0.9, 0.95, 0.999):
            low, high = proportion_confint(successes, trials, alpha=1 - level, method="wilson")
            cases.append({"successes": successes, "trials": trials, "level": level, "low": low, "high": high})
    return cases


def holm_cases():
    lists = [[0.03], [0.01, 0.04, 0.03], [0.5, 0.5, 0.5], [0.001, 0.9, 0.02, 0.02, 0.013], [1.0, 0.0, 0.2], []]
    return [{"p": ps, "corrected": multipletests(ps, method="holm")[1].tolist() if ps else []} for ps in lists]


def exchange_cases():
    """Paired differences: those of right and wrong, where the test is McNemar's, and parts of 1 with ties at 0."""
    generator = numpy.random.default_rng(13)
    cases = []
    for first_only, second_only, neither in [(1, 0, 0), (4, 0, 4), (3, 1, 8), (9, 2, 8), (6, 6, 3), (0, 19, 0)]:
        differences = [1.0] * first_only + [-1.0] * second_only + [0.0] * neither
        table = [[0, first_only], [second_only, neither]]
        cases.append({"differences": differences, "p": mcnemar(table, exact=True).pvalue, "mcnemar": True})
    for count in (2, 7, 15):
        differences = (generator.integers(-9, 10, count) / 9).tolist()
        tested = stats.permutation_test((numpy.array(differences), numpy.zeros(count)),
                                        lambda x, y, axis: numpy.sum(x - y, axis=axis), permutation_type="samples",
                                        vectorized=True, n_resamples=numpy.inf, alternative="two-sided")
        cases.append({"differences": differences, "p": tested.pvalue, "mcnemar": False})
    return cases


def chance_cases():
    """n choices, of which the i-th is right with chance[i]: as many right ones, or as far from the expected number."""
    generator = numpy.random.default_rng(14)
    cases = []
    for count, right in [(1, 1), (5, 5), (8, 2), (14, 11)]:
        chance = (generator.integers(0, 9, count) / 8)
        outcomes = numpy.array(list(itertools.product([0, 1], repeat=count)))
        probability = numpy.prod(numpy.where(outcomes == 1, chance, 1 - chance), axis=1)
        far = numpy.abs(outcomes.sum(axis=1) - chance.sum()) >= abs(right - chance.sum()) - 1e-9
        cases.append({"chance": chance.tolist(), "right": right, "p": float(probability[far].sum())})
    return cases


golden = {
    "made_by": f"tests/golden/eval_statistics.py, numpy {numpy.__version__}, scipy {scipy.__version__}, "
               f"statsmodels {statsmodels.__version__}",
    "correlations": correlation_cases(),
    "mcnemar": mcnemar_cases(),
    "intervals": interval_cases(),
    "bootstrap": bootstrap_case(),
    "calibration": calibration_case(),
    "wilson": wilson_cases(),
    "holm": holm_cases(),
    "exchange": exchange_cases(),
    "chance": chance_cases(),
}
path = pathlib.Path(__file__).with_name("eval_statistics.json")
path.write_text(json.dumps(golden) + "\n", encoding="ascii")
print(path.name, path.stat().st_size)
