#!/usr/bin/env python3
"""The experiment of docs/results/rl.md: one base policy, many rewards, several seeds.

From the policy that `endorm sft` made (README.md beside this file), every arm learns for the same number of steps from the
same prompts; what each makes is asked the same problems, which no training saw. A run that is there is not done again, and
one that was stopped goes on: give the command again, or other --arms and --seeds.

  python3 recipes/arithmetic/experiment.py run --base runs/arithmetic-base/model.gguf --data arithmetic -o runs/arithmetic-rl
  python3 recipes/arithmetic/experiment.py table -o runs/arithmetic-rl
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys

ENDOGENOUS = 'source = "endogenous"\naggregation = "{}"\n'
REWARDS = {  # arm: its [[reward]] tables
    "verified": ['source = "verified"\n'],
    "majority": ['source = "majority"\n'],
    "discounted": [ENDOGENOUS.format("discounted")],
    "mean": [ENDOGENOUS.format("mean")],
    "sum": [ENDOGENOUS.format("sum")],
    "chunked_mean": [ENDOGENOUS.format("chunked_mean")],
    "step_mean": [ENDOGENOUS.format("step_mean") + 'step_separator = ", "\n'],
    "min_step": [ENDOGENOUS.format("min_step") + 'step_separator = ", "\n'],
    "last_k": [ENDOGENOUS.format("last_k")],
    "first-endorm-then-verified": [
        ENDOGENOUS.format("mean") + 'normalise = "group"\nweight = [[{quarter}, 1], [{half}, 0]]\n',
        'source = "verified"\nnormalise = "group"\nweight = [[{quarter}, 0], [{half}, 1]]\n',
    ],
}
MORE_SFT = "more-sft"  # the control: the demonstrations again, for as much processor time
SFT_STEPS_OF_A_STEP = 7.5  # measured: 0.7 s of one core against 5.3 s
CONFIGURATION = """# Written by experiment.py.
model = "{base}"
data = "{data}/rl_prompts.jsonl"
steps = {steps}
seed = {seed}

{rewards}
[rollout]
prompts = 32
group = 8
max_tokens = 96

[update]
learning_rate = 5e-4
warm_up = 4
compute = "f32"

[guards]  # off: what collapses is to be seen
least_entropy = false
least_entropy_of_start = false
least_length = false
least_length_of_start = false
greatest_length_of_start = false
greatest_kl = 1e9  # so that the reference is read, and the log has the KL
"""


def command(arguments, words, log):
    variables = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads), OMP_WAIT_POLICY="passive")
    with open(log, "a", encoding="utf-8") as output:
        subprocess.run([arguments.endorm, *map(str, words)], env=variables, stdout=output, stderr=output, check=True)


def learn(arguments, arm, seed):
    """The model that the arm makes of the base."""
    run = arguments.output / f"{arm}-{seed}"
    made = run / "model.gguf"
    if arm == "base":
        return arguments.base
    if made.exists():
        return made
    log = arguments.output / f"{arm}-{seed}.log"
    if arm == MORE_SFT:
        steps = round(arguments.steps * SFT_STEPS_OF_A_STEP)
        command(arguments, ["sft", arguments.data / "sft_train.jsonl", "-o", run, "--model", arguments.base,
                            "--steps", steps, "--batch", 32, "--learning-rate", "5e-4", "--warm-up", 4,
                            "--pass-tokens", 4096, "--compute", "f32", "--seed", seed], log)
        return made
    tables = "\n".join("[[reward]]\n" + table for table in REWARDS[arm])
    tables = tables.replace("{quarter}", str(arguments.steps // 4)).replace("{half}", str(arguments.steps // 2))
    configuration = arguments.output / f"{arm}-{seed}.toml"
    configuration.write_text(CONFIGURATION.format(base=arguments.base, data=arguments.data, steps=arguments.steps,
                                                  seed=seed, rewards=tables), encoding="utf-8")
    command(arguments, ["rl", configuration, "-o", run, "-t", arguments.threads], log)
    return made


def ask(arguments, arm, seed, model):
    """16 samples of each problem at temperature 1, and one at 0."""
    log = arguments.output / f"{arm}-{seed}.log"
    for name, samples, temperature in (("drawn", 16, 1), ("greedy", 1, 0)):
        result = arguments.output / f"{arm}-{seed}.{name}.json"
        if not result.exists():
            command(arguments, ["eval", "math", "--model", model, "--suite", arguments.data / "test.jsonl",
                                "--samples", samples, "--temperature", temperature, "--max-tokens", 96,
                                "--seed", seed, "--instruction", "", "--no-cache", "-t", arguments.threads,
                                "--json", result], log)


def one(arguments, arm, seed):
    ask(arguments, arm, seed, learn(arguments, arm, seed))
    print(f"done {arm} {seed}", flush=True)


def run(arguments):
    arguments.output.mkdir(parents=True, exist_ok=True)
    unknown = set(arguments.arms) - set(REWARDS) - {MORE_SFT, "base"}
    if unknown:
        sys.exit(f"no such arm: {', '.join(sorted(unknown))}")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [pool.submit(one, arguments, arm, seed) for seed in arguments.seeds for arm in arguments.arms]
        for job in concurrent.futures.as_completed(waiting):
            job.result()


def right(path):
    """[problems] how many of a problem's samples are right, and how many there are."""
    rows = json.loads(path.read_text(encoding="utf-8"))["responses"]["rows"]
    return {row["id"]: row.get("correct", []) for row in rows}


def votes(path):
    """[problems] the share of right ones among the answers with most votes, as endorm counts it."""
    figures = json.loads(path.read_text(encoding="utf-8"))["responses"]["figures"]
    return next(figure["value"] for figure in figures if figure["name"].startswith("maj@"))


def interval(of_problems, seed=0, resamples=2000):
    """Bootstrap over problems of the mean of a list."""
    draw = random.Random(seed)
    n = len(of_problems)
    means = sorted(sum(draw.choices(of_problems, k=n)) / n for _ in range(resamples))
    return means[int(0.025 * resamples)], means[int(0.975 * resamples) - 1]


def percent(share):
    return f"{100 * share:.1f}"


def last_step(run):
    steps = [json.loads(line) for line in (run / "run.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [step for step in steps if "entropy" in step]
    return steps[-1] if steps else None


def table(arguments):
    base = [sum(samples) / len(samples) for samples in right(arguments.output / "base-1.drawn.json").values()]
    print("| reward | seeds | avg@16, % | by seed | less base | pass@16, % | maj@16, % | greedy, % | KL, nats a token "
          "| entropy | tokens |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for arm in ["base", MORE_SFT, *REWARDS]:
        seeds = [seed for seed in range(1, 100) if (arguments.output / f"{arm}-{seed}.greedy.json").exists()]
        if not seeds:
            continue
        drawn = [right(arguments.output / f"{arm}-{seed}.drawn.json") for seed in seeds]
        greedy = [right(arguments.output / f"{arm}-{seed}.greedy.json") for seed in seeds]
        problems = list(drawn[0])
        shares = [[sum(of[problem]) / len(of[problem]) for problem in problems] for of in drawn]
        mean = [sum(column) / len(seeds) for column in zip(*shares)]
        low, high = interval(mean)
        difference = [after - before for after, before in zip(mean, base)]
        low_difference, high_difference = interval(difference)
        solved = [sum(any(of[problem]) for of in drawn) / len(seeds) for problem in problems]
        alike = sum(votes(arguments.output / f"{arm}-{seed}.drawn.json") for seed in seeds) / len(seeds)
        sure = sum(sum(of[problem][0] for of in greedy) for problem in problems) / len(problems) / len(seeds)
        ends = [last_step(arguments.output / f"{arm}-{seed}") for seed in seeds] if arm in REWARDS else []
        means = [f"{sum(end[key] for end in ends) / len(ends):.{digits}f}" if ends else "-"
                 for key, digits in (("kl", 3), ("entropy", 3), ("length", 1))]
        by_seed = " ".join(percent(sum(of) / len(of)) for of in shares)
        less = "-" if arm == "base" else (f"{100 * sum(difference) / len(difference):+.1f} "
                                          f"({100 * low_difference:+.1f} to {100 * high_difference:+.1f})")
        print(f"| {arm} | {len(seeds)} | {percent(sum(mean) / len(mean))} ({percent(low)} to {percent(high)}) | {by_seed} "
              f"| {less} | {percent(sum(solved) / len(solved))} | {percent(alike)} | {percent(sure)} "
              f"| {' | '.join(means)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--endorm", default="endorm", help="the program, built with training")
    parser.add_argument("--base", type=pathlib.Path, help="GGUF file of the policy that all begin with")
    parser.add_argument("--data", type=pathlib.Path, help="directory that make_data.py wrote")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--arms", nargs="+", default=["base", *REWARDS, MORE_SFT])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, which share the cores")
    arguments = parser.parse_args()
    arguments.threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
    if arguments.what == "run":
        if not arguments.base or not arguments.data:
            parser.error("run needs --base and --data")
        run(arguments)
    else:
        table(arguments)


if __name__ == "__main__":
    main()
