#!/usr/bin/env python3
"""Numbers for tests/eval/best_of_metrics_test.cpp: figures of random samples, in exact fractions, from the definitions.

Each case has problems of several suites with k samples: a verdict, a vote (the first sample with an equal answer), and two
judges' rewards on a coarse grid, so that ties occur; some rewards and some problems are missing. pass@j counts subsets one by
one where there are few, and is a ratio of binomials elsewhere. Tolerance in the test: 1e-12, sums of a few hundred doubles.

    python3 tests/golden/eval_math.py
"""
import itertools
import json
import math
import pathlib
import random
from fractions import Fraction

RNG = random.Random(20261125)


def make_problem(suite, subject, level, k, number):
    if RNG.random() < 0.08:
        return {"id": f"{suite}/{number}", "suite": suite, "subject": subject, "level": level, "samples": [],
                "rewards": {}}
    samples = []
    firsts = {}
    for place in range(k):
        answer = RNG.choice(["right", "right", "a", "b", "none"]) if RNG.random() < 0.9 else f"own {place}"
        verdict = {"right": "correct", "none": "unparsable"}.get(answer, "wrong")
        vote = None if answer == "none" else firsts.setdefault(answer, place)
        samples.append({"verdict": verdict, "vote": vote})
    rewards = {judge: [None if RNG.random() < missing else RNG.randint(-2, 2) / 2 for _ in range(k)]
               for judge, missing in (("steady", 0.0), ("patchy", 0.4))}
    return {"id": f"{suite}/{number}", "suite": suite, "subject": subject, "level": level, "samples": samples,
            "rewards": rewards}


def average(problem):
    right = [sample["verdict"] == "correct" for sample in problem["samples"]]
    return Fraction(sum(right), len(right))


def passed(problem, j):
    right = [sample["verdict"] == "correct" for sample in problem["samples"]]
    n, c = len(right), sum(right)
    if math.comb(n, j) <= 5000:
        subsets = list(itertools.combinations(right, j))
        counted = Fraction(sum(any(subset) for subset in subsets), len(subsets))
        assert counted == 1 - Fraction(math.comb(n - c, j), math.comb(n, j))
        return counted
    return 1 - Fraction(math.comb(n - c, j), math.comb(n, j))


def voted(problem):
    votes = [sample["vote"] for sample in problem["samples"] if sample["vote"] is not None]
    if not votes:
        return Fraction(0)
    most = max(votes.count(vote) for vote in votes)
    top = [vote for vote in set(votes) if votes.count(vote) == most]
    return Fraction(sum(problem["samples"][vote]["verdict"] == "correct" for vote in top), len(top))


def chosen(problem, judge):
    there = [reward for reward in problem["rewards"][judge] if reward is not None]
    if not there:
        return None
    top = [sample for sample, reward in zip(problem["samples"], problem["rewards"][judge]) if reward == max(there)]
    return Fraction(sum(sample["verdict"] == "correct" for sample in top), len(top))


def figure(problems, value, suites):
    """Mean over the problems of each suite, then over suites."""
    means = []
    for suite in suites:
        values = [value(problem) for problem in problems if problem["suite"] == suite and problem["samples"]]
        values = [one for one in values if one is not None]
        if not values:
            return None
        means.append(sum(values) / len(values))
    return float(sum(means) / len(means))


def case(k, sizes):
    problems = []
    for suite, subjects, levels, count in sizes:
        for number in range(count):
            problems.append(make_problem(suite, RNG.choice(subjects), RNG.choice(levels), k, number))
    names = [size[0] for size in sizes]
    ways = {(f"avg@{k}", ""): average, (f"maj@{k}", ""): voted}
    for j in {2 ** power for power in range(1, 20) if 2 ** power < k} | {k}:
        ways[(f"pass@{j}", "")] = lambda problem, j=j: passed(problem, j)
    for judge in ("steady", "patchy"):
        ways[(f"best@{k}", judge)] = lambda problem, judge=judge: chosen(problem, judge)
    figures = []
    comparisons = []
    for (metric, judge), value in ways.items():
        def add(group, suites, **which):
            figures.append({"metric": metric, "judge": judge, "suite": None, "subject": None, "level": None, **which,
                            "value": figure(group, value, suites)})
        add(problems, names)
        for suite, subjects, levels, _ in sizes:
            add(problems, [suite], suite=suite)
            for field, groups in (("subject", subjects), ("level", levels)):
                for group in groups if len(groups) > 1 else []:
                    add([p for p in problems if p[field] == group], [suite], suite=suite, **{field: group})
    for judge in ("steady", "patchy"):
        for against, value in ((f"avg@{k}", average), (f"maj@{k}", voted)):
            both = [p for p in problems if p["samples"] and chosen(p, judge) is not None]
            for suites, suite in [(names, None)] + [([name], name) for name in names]:
                own = figure(both, lambda problem: chosen(problem, judge), suites)
                comparisons.append({"judge": judge, "against": against, "suite": suite,
                                    "difference": own - figure(both, value, suites)})
    return {"k": k, "problems": problems, "figures": figures, "comparisons": comparisons}


def main():
    cases = [case(4, [("one", [""], [""], 30), ("two", ["algebra", "geometry"], ["1", "2", "3"], 50)]),
             case(12, [("one", ["x", "y"], [""], 25), ("two", [""], ["1", "5"], 40), ("three", [""], [""], 7)])]
    pass_at = [{"j": j, "n": n, "c": c, "value": float(1 - Fraction(math.comb(n - c, j), math.comb(n, j)))}
               for n, j, c in [(1, 1, 0), (1, 1, 1), (8, 1, 3), (8, 4, 1), (8, 8, 1), (64, 32, 2), (1000, 100, 3),
                               (1000, 1, 999), (100000, 50000, 1), (100000, 64, 700)]]
    path = pathlib.Path(__file__).with_name("eval_math.json")
    path.write_text(json.dumps({"cases": cases, "pass_at": pass_at}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
