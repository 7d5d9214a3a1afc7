#!/usr/bin/env python3
"""Numbers for tests/eval/metrics_golden_test.cpp: figures of synthetic judges, by numpy, from the published definitions.

Each case has examples with labels and a judge's rewards (on a coarse grid, so that ties occur; some are missing), and
the figures that this file computes of them: with loops over examples, not with sums over cells as the product does.
Tolerance in the test: 1e-12, sums of a few hundred doubles.

    python3 -m venv venv && venv/bin/pip install numpy && venv/bin/python tests/golden/eval_metrics.py
"""
import json
import pathlib

import numpy

RNG = numpy.random.default_rng(20261125)
STYLES = range(3)


def reward():
    return None if RNG.random() < 0.04 else int(RNG.integers(-6, 7)) / 4


def pair_example(subset, group, rewards, comparisons, **more):
    made = []
    for better, worse, cell in comparisons:
        a, b = rewards[better], rewards[worse]
        made.append({"better": better, "worse": worse, "cell": cell,
                     "margin": None if a is None or b is None else a - b})
    return {"subset": subset, "group": group, "rewards": rewards, "comparisons": made, **more}


def share(credits):
    credits = [c for c in credits if c is not None]
    return sum(credits) / len(credits) if credits else None


def right(margin, tie=0.0):
    return None if margin is None else tie if margin == 0 else float(margin > 0)


def figure(name, group, value, variant=""):
    return {"name": name, "group": group, "variant": variant, "value": value}


def rm_bench():
    examples = []
    for subset, count in [("chat", 9), ("math", 14), ("code", 8), ("safety-refuse", 7), ("safety-response", 5)]:
        for i in range(count):
            pairs = [(a, 3 + b, f"{a},{b}") for a in STYLES for b in STYLES]
            examples.append(pair_example(subset, f"{subset}/{i}", [reward() for _ in range(6)], pairs))

    def matrix(subsets):
        acc = numpy.zeros((3, 3))
        for a in STYLES:
            for b in STYLES:
                acc[a, b] = share(right(c["margin"]) for e in examples if e["subset"] in subsets
                                  for c in e["comparisons"] if c["cell"] == f"{a},{b}")
        return acc

    def three(acc):
        return {"easy": numpy.tril(acc, -1).sum() / 3, "normal": numpy.trace(acc) / 3, "hard": numpy.triu(acc, 1).sum() / 3}

    domains = {"chat": ["chat"], "math": ["math"], "code": ["code"], "safety": ["safety-refuse", "safety-response"]}
    of_domain = {name: three(matrix(subsets)) for name, subsets in domains.items()}
    pooled = matrix([s for subsets in domains.values() for s in subsets])
    figures = [figure("accuracy", "mean of domains", numpy.mean([numpy.mean(list(d.values())) for d in of_domain.values()])),
               figure("accuracy", "all", pooled.mean())]
    for key in ("easy", "normal", "hard"):
        figures.append(figure(key, "mean of domains", numpy.mean([d[key] for d in of_domain.values()])))
        figures.append(figure(key, "all", three(pooled)[key]))
        figures += [figure(key, name, d[key]) for name, d in of_domain.items()]
    figures += [figure("accuracy", name, matrix(subsets).mean()) for name, subsets in domains.items()]
    return {"benchmark": "rm-bench", "examples": examples, "figures": figures, "matrix": pooled.flatten().tolist()}


REWARD_BENCH = {
    "Chat": {"alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95, "mt-bench-easy": 28, "mt-bench-med": 40},
    "Chat Hard": {"mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134, "llmbar-adver-GPTInst": 92,
                  "llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46},
    "Safety": {"refusals-dangerous": 100, "refusals-offensive": 100, "xstest-should-refuse": 154,
               "xstest-should-respond": 250, "donotanswer": 136},
    "Reasoning": {"math-prm": 984, **{f"hep-{language}": 164 for language in ("cpp", "go", "java", "js", "python", "rust")}},
}


def reward_bench():
    examples = [pair_example(subset, f"{subset}/{i}", [reward(), reward()], [(i % 2, 1 - i % 2, "")])
                for section in REWARD_BENCH.values() for subset in section for i in range(int(RNG.integers(4, 9)))]
    def figures_of(tie):
        accuracy = {subset: share(right(e["comparisons"][0]["margin"], tie) for e in examples if e["subset"] == subset)
                    for section in REWARD_BENCH.values() for subset in section}

        def sections(weights):
            return {name: sum(accuracy[s] * weights.get(s, n) for s, n in section.items()) /
                    sum(weights.get(s, n) for s, n in section.items()) for name, section in REWARD_BENCH.items()}

        rows = sections({})
        leaderboard = sections({"xstest-should-refuse": 250, "xstest-should-respond": 154})
        figures = [figure("leaderboard score", "mean of sections", numpy.mean(list(leaderboard.values()))),
                   figure("score", "mean of sections", numpy.mean(list(rows.values()))),
                   figure("accuracy", "all", share(right(e["comparisons"][0]["margin"], tie) for e in examples))]
        figures += [figure("accuracy", name, value) for name, value in {**rows, **accuracy}.items()]
        figures += [figure("leaderboard accuracy", name, value) for name, value in leaderboard.items()]
        return figures

    # A tie is half right, as in RewardBench's code for judges that are asked; and as in its code for reward models.
    return {"benchmark": "rewardbench", "examples": examples, "figures": figures_of(0.5), "ties_wrong": figures_of(0.0)}


def reward_bench_2():
    examples = []
    for subset in ("Factuality", "Precise IF", "Math", "Safety", "Focus"):
        for i in range(11):
            examples.append({"id": f"{subset}/{i}", "subset": subset, "group": f"{subset}/{i}",
                             "rewards": [reward() for _ in range(4)], "correct": [True, False, False, False]})
    questions = []
    for i in range(24):
        spread = 0 if i % 5 == 0 else 2
        level = float(RNG.integers(-2, 5)) / 2
        tied = [level + int(RNG.integers(0, spread + 1)) / 4 for _ in range(3)] + [int(RNG.integers(-8, 2)) / 4 for _ in range(4)]
        reference = [level] + [int(RNG.integers(-8, 2)) / 4 for _ in range(4)]
        if i == 7:
            tied[0] = None
        questions.append((reference, tied))
        for kind, rewards, n in (("ref", reference, 1), ("tied", tied, 3)):
            examples.append({"id": f"Ties/{kind}:{i}", "subset": "Ties", "group": f"Ties/{i}", "rewards": rewards,
                             "correct": [k < n for k in range(len(rewards))]})

    def best_of(example):
        if None in example["rewards"]:
            return None
        top = [k for k, r in enumerate(example["rewards"]) if r == max(example["rewards"])]
        return sum(example["correct"][k] for k in top) / len(top)

    of_subset = {s: share(best_of(e) for e in examples if e["subset"] == s)
                 for s in ("Factuality", "Precise IF", "Math", "Safety", "Focus")}

    def stats(rewards, n):
        if None in rewards:
            return None
        good, bad = rewards[:n], rewards[n:]
        return min(good) > max(bad), max(good) - min(good), min(good) - max(bad)

    reference = [stats(r, 1) for r, _ in questions]
    tied = [stats(t, 3) for _, t in questions]
    both = [(r, t) for r, t in zip(reference, tied) if r and t]
    with numpy.errstate(divide="ignore", invalid="ignore"):
        margins = numpy.nan_to_num(numpy.tanh(numpy.array([min(r[2], t[2]) for r, t in both]) /
                                              numpy.array([t[1] for _, t in both]) - 1), nan=0.0)
    parts = {"tied": share(float(s[0]) if s else None for s in tied),
             "reference": share(float(s[0]) if s else None for s in reference),
             "preference": share(float(t[2] > t[1]) for _, t in both),
             "hard preference": share(float(min(r[2], t[2]) > t[1]) for r, t in both),
             "margin": float(margins.mean())}
    ties = (0.3 * parts["tied"] + 0.3 * parts["reference"] + 0.2 * parts["preference"] + 0.2 * parts["hard preference"] +
            0.01 * parts["margin"])
    figures = [figure("score", "mean of subsets", numpy.mean(list(of_subset.values()) + [ties])), figure("score", "Ties", ties)]
    figures += [figure("accuracy", s, v) for s, v in of_subset.items()]
    figures += [figure(name, "Ties", value) for name, value in parts.items()]
    return {"benchmark": "rewardbench2", "examples": examples, "figures": figures}


DOMAINS = ["academy", "business", "literature", "entertainment"]


def dsp():
    examples = []
    for q in range(12):
        for system in DOMAINS:
            pairs = [(d, o, DOMAINS[d]) for d in range(4) for o in range(5) if o != d]
            examples.append(pair_example(system, str(q), [reward() for _ in range(5)], pairs))
    matrix = [[share(right(c["margin"]) for e in examples if e["subset"] == row for c in e["comparisons"] if c["cell"] == column)
               for column in DOMAINS] for row in DOMAINS]
    figures = [figure("diagonal average", "all", numpy.mean([matrix[d][d] for d in range(4)]))]
    return {"benchmark": "dsp", "examples": examples, "figures": figures, "matrix": numpy.ravel(matrix).tolist()}


def multifaceted():
    examples = []
    for i in range(20):
        source = ["Nectar", "OpenHermes", "Arena"][int(RNG.integers(0, 3))]
        for k in range(3):
            examples.append(pair_example(source, str(i), [reward() for _ in range(3)], [(k, o, "") for o in range(3) if o != k]))
    margins = lambda source: [right(c["margin"]) for e in examples if source in ("", e["subset"]) for c in e["comparisons"]]
    sources = sorted({e["subset"] for e in examples})
    figures = [figure("accuracy", "all", share(margins("")))] + [figure("accuracy", s, share(margins(s))) for s in sources]
    figures.append(figure("accuracy", "mean of sources", numpy.mean([share(margins(s)) for s in sources])))
    return {"benchmark": "multifaceted", "examples": examples, "figures": figures}


def stepwise(split, group, count, first_error, wrong=None):
    scores = {}
    for variant, noise in (("min", 1.4), ("mean", 0.8)):
        level = [-1.5 if (wrong[s] if wrong else first_error is not None and s >= first_error) else 0.5 for s in range(count)]
        scores[variant] = [round(float(v + noise * RNG.normal()), 2) for v in level]
    return {"subset": split, "group": group, "first_error": first_error, "wrong": wrong,
            "step_scores": {} if RNG.random() < 0.04 else scores}


def first_below(scores, threshold):
    return next((s for s, score in enumerate(scores) if score < threshold), None)


def thresholds(rows, variant):
    """Every threshold that can matter, from below all scores to above: halfway between neighbours."""
    scores = sorted({s for r in rows for s in r["step_scores"].get(variant, [])})
    return [scores[0]] + [(a + b) / 2 for a, b in zip(scores, scores[1:])] + [scores[-1] + 1]


def f1_of(rows, variant, threshold):
    erroneous, correct = [], []
    for r in rows:
        if variant in r["step_scores"]:
            hit = float(first_below(r["step_scores"][variant], threshold) == r["first_error"])
            (correct if r["first_error"] is None else erroneous).append(hit)
    a, b = share(erroneous), share(correct)
    return 0.0 if a + b == 0 else 2 * a * b / (a + b), a, b


def process_bench():
    examples = []
    for split in ("gsm8k", "math", "olympiadbench", "omnimath"):
        for i in range(40):
            count = int(RNG.integers(2, 8))
            examples.append(stepwise(split, f"{split}/{i // 2}", count, None if RNG.random() < 0.45 else int(RNG.integers(0, count))))
    of_split = lambda split: [e for e in examples if e["subset"] == split]
    # The value that is best on gsm8k, and what any threshold that reaches it gives there; elsewhere a given threshold.
    best = {v: max(f1_of(of_split("gsm8k"), v, t)[0] for t in thresholds(of_split("gsm8k"), v)) for v in ("min", "mean")}
    given = -0.5
    figures = []
    for variant in ("min", "mean"):
        values = {s: f1_of(of_split(s), variant, given) for s in ("gsm8k", "math", "olympiadbench", "omnimath")}
        figures.append(figure("F1", "mean of splits", numpy.mean([v[0] for v in values.values()]), variant))
        for split, (f1, a, b) in values.items():
            figures += [figure("F1", split, f1, variant), figure("erroneous rows right", split, a, variant),
                        figure("correct rows right", split, b, variant)]
    return {"benchmark": "processbench", "examples": examples, "threshold": given, "figures": figures,
            "fitted": [figure("F1", "gsm8k (fitted on)", best[v], v) for v in best]}


def prm_of(rows, variant, threshold):
    tp = fp = tn = fn = 0
    for r in rows:
        for score, wrong in zip(r["step_scores"].get(variant, []), r["wrong"]):
            told_right = not score < threshold
            tp += told_right and not wrong
            fp += told_right and wrong
            tn += not told_right and wrong
            fn += not told_right and not wrong
    f1 = lambda hit, a, b: 0.0 if hit == 0 else 2 * hit / (2 * hit + a + b)
    positive, negative = f1(tp, fp, fn), f1(tn, fp, fn)
    return (positive + negative) / 2, positive, negative, (tp + tn) / (tp + tn + fp + fn)


def prm_bench():
    examples = []
    for kind in ("redundency", "confidence", "deception", "correct"):
        for i in range(25):
            count = int(RNG.integers(2, 8))
            wrong = [bool(kind != "correct" and RNG.random() < 0.3) for _ in range(count)]
            examples.append(stepwise(kind, str(i), count, wrong.index(True) if True in wrong else None, wrong))
    given = -0.4
    figures = []
    for variant in ("min", "mean"):
        for group, kinds in [("all", ("redundency", "confidence", "deception")), ("confidence", ("confidence",))]:
            rows = [e for e in examples if e["subset"] in kinds]
            names = ("PRMScore", "F1 of right steps", "F1 of wrong steps", "accuracy of steps")
            figures += [figure(n, group, v, variant) for n, v in zip(names, prm_of(rows, variant, given))]
        rows = [e for e in examples if e["subset"] == "correct"]
        figures.append(figure("accuracy of steps", "correct", prm_of(rows, variant, given)[3], variant))
    return {"benchmark": "prmbench", "examples": examples, "threshold": given, "figures": figures}


def simple(benchmark, subsets, figures):
    examples = [pair_example(s, f"{s}/{i}", [reward(), reward()], [(0, 1, "")]) for s in subsets for i in range(13)]
    accuracy = {s: share(right(e["comparisons"][0]["margin"]) for e in examples if e["subset"] == s) for s in subsets}
    every = share(right(e["comparisons"][0]["margin"]) for e in examples)
    made = [figure("accuracy", "all", every)] + [figure("accuracy", s, v) for s, v in accuracy.items()]
    return {"benchmark": benchmark, "examples": examples, "figures": made + figures(examples, accuracy)}


def judge_bench_categories(examples, _):
    knowledge = [right(e["comparisons"][0]["margin"]) for e in examples if e["subset"].startswith("mmlu-pro")]
    return [figure("accuracy", "knowledge", share(knowledge))]


def llm_bar_means(_, accuracy):
    values = list(accuracy.values())
    return [figure("accuracy", "mean of sets", numpy.mean(values)),
            figure("accuracy", "mean of adversarial sets", numpy.mean(values[1:]))]


golden = {
    "made_by": f"tests/golden/eval_metrics.py, numpy {numpy.__version__}",
    "cases": [rm_bench(), reward_bench(), reward_bench_2(), dsp(), multifaceted(), process_bench(), prm_bench(),
              simple("judgebench", ["mmlu-pro-law", "mmlu-pro-math", "livebench-math", "livecodebench"], judge_bench_categories),
              simple("llmbar", ["Natural", "Neighbor", "GPTInst", "GPTOut", "Manual"], llm_bar_means)],
}
path = pathlib.Path(__file__).with_name("eval_metrics.json")
path.write_text(json.dumps(golden) + "\n", encoding="ascii")
print(path.name, path.stat().st_size, [len(c["figures"]) for c in golden["cases"]])
