#!/usr/bin/env python3
"""Shows that two binaries of endorm give the same numbers, to the bit:  scripts/same_numbers.py OLD NEW DATA

DATA holds rmbench/ and gsm8k/ as published. Both binaries, each with caches of its own, score the demo with its tokens,
judge prompts of RM-Bench, draw and judge samples for mathematical suites, and let a tiny model learn for three steps of
`rl`. Compared are rewards, token statistics, figures, intervals, samples, every row of the cache of token statistics,
the logs of `rl` and the model that it wrote. Fields of IGNORED are not; what NEW alone says is listed; a manifest may
order its values anew. The exit status is 1 if anything differs or is missing. Build both alike, with training: another
compiler, or another -O, rounds otherwise.
"""
import argparse
import copy
import hashlib
import json
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Times, places, versions, and the formats' own names.
IGNORED = {"started", "finished", "host", "threads", "file", "endorm", "endorm_bench", "seconds/rollout", "seconds/reward",
           "seconds/update", "tokens_per_second", "wall_s"}
JUDGES = "endorm,mean-log-likelihood,sum-log-likelihood,minus-entropy,self-certainty,length,random"
SUMS = [(2, 3), (7, 6), (10, 5), (4, 4)]
RL = """
data = "data.jsonl"
steps = 3
[[reward]]
aggregation = "mean"
normalise = "group"
[[reward]]
source = "verified"
weight = [[1, 0], [3, 1]]
[rollout]
prompts = 2
group = 4
max_tokens = 12
[update]
compute = "f32"
[watch]
held_out = "data.jsonl"
held_out_every = 1
samples_every = 1
"""


class Comparison:
    """What was compared, and what differs: old and new are JSON values, `where` their place in words."""

    def __init__(self):
        self.numbers = self.texts = 0
        self.differences, self.additions = [], []

    def values(self, old, new, where):
        if isinstance(old, dict) and isinstance(new, dict):
            for name in old.keys() - IGNORED:
                if name not in new:
                    self.differences.append(f"{where}.{name} is missing")
                else:
                    self.values(old[name], new[name], f"{where}.{name}")
            self.additions += [f"{where}.{name}" for name in new.keys() - old.keys() - IGNORED]
        elif isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                self.differences.append(f"{where}: {len(old)} entries, now {len(new)}")
            for place, (left, right) in enumerate(zip(old, new)):
                self.values(left, right, f"{where}[{place}]")
        elif is_number(old) and is_number(new):
            self.numbers += 1
            if struct.pack("d", old) != struct.pack("d", new):
                self.differences.append(f"{where}: {old!r}, now {new!r}")
        else:
            self.texts += 1
            if type(old) is not type(new) or old != new:
                self.differences.append(f"{where}: {old!r:.200}, now {new!r:.200}")

    def manifests(self, old, new):
        """A value is known by its name and its owner's; where the owner stands is free."""
        old, new = dict(leaves(old)), dict(leaves(new))
        by_name = {}
        for path, value in new.items():
            by_name.setdefault(path[-1], []).append(value)
        for path, value in old.items():
            if path[-1] in IGNORED:
                continue
            if path in new:
                self.values(value, new[path], "manifest " + ".".join(path))
            elif not any(type(value) is type(other) and value == other for other in by_name.get(path[-1], [])):
                self.differences.append(f"manifest {'.'.join(path)}: {value!r:.200} is missing")

    def caches(self, old, new):
        """Rows are (key, statistics): the bytes of doubles."""
        changed = [key for key in old if new.get(key) != old[key]]
        if changed and sorted(old.values()) == sorted(new.values()):
            self.differences.append(f"cache: {len(changed)} of {len(old)} keys are others, their statistics the same")
        elif changed or len(new) != len(old):
            self.differences.append(f"cache: {len(changed)} of {len(old)} rows differ or are missing, {len(new)} now")
        self.numbers += sum(len(value) // 8 for value in old.values())

    def report(self, part):
        print(f"{part}: {self.numbers} numbers and {self.texts} other values compared, {len(self.differences)} differ", flush=True)
        for difference in self.differences[:20]:
            print(f"  DIFFERS {difference}")
        if len(self.differences) > 20:
            print(f"  ... and {len(self.differences) - 20} more")
        for addition in sorted({added.rstrip("0123456789[]") for added in self.additions})[:20]:
            print(f"  new: {addition}")
        return not self.differences and self.numbers > 0


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def leaves(value, path=()):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Runs:
    """The outputs of one binary, in a folder of its own."""

    def __init__(self, endorm, folder, data):
        self.endorm, self.folder, self.data = endorm, folder, data
        folder.mkdir()
        self.cache = folder / "statistics.db"

    def run(self, *arguments):
        # Threads of the model that wait for one another must not spin, nor may caches hold what another binary wrote.
        environment = dict(os.environ, OMP_WAIT_POLICY="passive", LC_ALL="C.UTF-8")
        done = subprocess.run([self.endorm, *map(str, arguments)], cwd=self.folder, env=environment, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{self.endorm} {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")

    def demo(self):
        self.run("score", ROOT / "examples/demo.jsonl", "--tokens", "--steps", "-o", "scored.jsonl", "--cache", self.cache)
        return json_lines(self.folder / "scored.jsonl")

    def rm_bench(self, prompts):
        self.run("bench", "rm-bench", "--data", self.data / "rmbench/chat_filtered.json", "--limit", prompts, "--sample-seed", 1,
                 "--judge", JUDGES, "--sweep", "gamma=0.5,0.9,aggregation=discounted,mean", "--json", "bench.json", "--cache", self.cache)
        return json.loads((self.folder / "bench.json").read_text())

    def suites(self, problems):
        """Sums beside GSM8K: of the latter the smallest models get none right."""
        sums = [{"question": f"What is {left} + {right}?", "answer": left + right} for left, right in SUMS]
        (self.folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sums))
        self.run("eval", "math", "--suite", "gsm8k,sums.jsonl", "--data", self.data / "gsm8k", "--limit", problems, "--sample-seed", 1,
                 "--samples", 4, "--max-tokens", 48, "--judge", JUDGES, "--json", "math.json", "--cache", self.cache)
        return json.loads((self.folder / "math.json").read_text())

    def learning(self):
        (self.folder / "run.toml").write_text(RL)
        (self.folder / "data.jsonl").write_text('{"prompt": "ab", "answer": 1}\n{"prompt": "ef", "answer": "2"}\n')
        self.run("rl", "run.toml", "-o", "run", "--model", ROOT / "tests/golden/engine_tiny_llama.gguf", "--template", "raw")
        rows = json_lines(self.folder / "run/run.jsonl")
        return rows + [{"model": hashlib.sha256((self.folder / "run/model.gguf").read_bytes()).hexdigest()}]

    def statistics(self):
        with sqlite3.connect(f"file:{self.cache}?mode=ro", uri=True) as database:
            return dict(database.execute("SELECT key, value FROM stats"))


def compare_rows(old, new):
    comparison = Comparison()
    comparison.manifests(old[0]["manifest"], new[0]["manifest"])
    comparison.values(old[1:], new[1:], "row")
    return comparison


def compare_documents(old, new):
    comparison = Comparison()
    comparison.manifests(old.pop("manifest"), new.pop("manifest"))
    comparison.values(old, new, "")
    return comparison


def self_test():
    """A comparison that cannot fail shows nothing."""
    row = {"id": "a", "reward": [-1.5, 0.0], "n": 2, "host": "x"}
    planted = [("reward", [-1.5000000000000002, 0.0]), ("reward", [-1.5, -0.0]), ("reward", [-1.5]), ("n", None), ("id", "b")]
    for name, value in planted:
        comparison = Comparison()
        comparison.values(row, dict(copy.deepcopy(row), **{name: value}), "")
        assert len(comparison.differences) == 1, (name, value)
    comparison = Comparison()
    comparison.values(row, {"id": "a", "n": 2, "host": "y"}, "")
    comparison.manifests({"options": {"alpha": 1.0, "floor": 0.0}}, {"reward": {"alpha": 1.0, "floor": 0.5}})
    comparison.caches({b"k": b"12345678"}, {b"k": b"12345679"})
    assert len(comparison.differences) == 3
    comparison = Comparison()
    comparison.values(row, dict(row, host="y"), "")
    comparison.manifests({"options": {"alpha": 1.0}}, {"reward": {"alpha": 1.0}})
    assert not comparison.differences and comparison.numbers == 3


def main():
    self_test()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--prompts", type=int, default=50, help="of RM-Bench (default: 50)")
    parser.add_argument("--problems", type=int, default=4, help="of each mathematical suite (default: 4)")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for what the runs write (default: none is kept)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="endorm-same-") as scratch:
        folder = (arguments.keep or pathlib.Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        old, new = (Runs(binary.resolve(), folder / name, arguments.data.resolve())
                    for name, binary in (("old", arguments.old), ("new", arguments.new)))
        same = compare_rows(old.demo(), new.demo()).report("demo")
        same &= compare_rows(old.learning(), new.learning()).report("rl, 3 steps")
        same &= compare_documents(old.suites(arguments.problems), new.suites(arguments.problems)).report("eval math")
        benchmark = compare_documents(old.rm_bench(arguments.prompts), new.rm_bench(arguments.prompts))
        same &= benchmark.report(f"bench rm-bench, {arguments.prompts} prompts")
        caches = Comparison()
        caches.caches(old.statistics(), new.statistics())
        same &= caches.report(f"cache, {len(old.statistics())} rows")
    print("the numbers are the same" if same else "THE NUMBERS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
