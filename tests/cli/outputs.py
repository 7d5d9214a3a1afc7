#!/usr/bin/env python3
"""What a command writes it writes whole, or says that it could not: no subcommand ends with 0 where an output is lost.

    outputs.py --endorm PATH

Every command of the tables below is run three times: with standard output on a full device, with its file in a directory
that is not there, and with a limit on the size of files that its file is beyond. None ends with 0, and none leaves a file
that is not whole.
"""
import argparse
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

TINY = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/engine_tiny_llama.gguf"
MODEL = f"-m {TINY} --template plain --threads 1"
BENCH = f"bench pairs --data pairs.jsonl --judge length --resamples 10 --no-cache {MODEL}"
MATH = f"eval math --suite sums.jsonl --samples 2 --max-tokens 4 --no-cache {MODEL}"

# What prints, or takes "-" for standard output.
PRINTS = [
    "--help", "--version", "score --help",
    f"score pairs.jsonl {MODEL}", "score merge shard-1.jsonl shard-2.jsonl", f"rank pairs.jsonl {MODEL}",
    BENCH, f"{BENCH} --json -", "bench list", "bench merge bench-1.json bench-2.json", "bench compare bench.json bench.json",
    "report scored.jsonl -o -", "report scored.jsonl --table",
    MATH, f"{MATH} --json -", "eval list", "eval merge math-1.json math-2.json",
    "grade answers.jsonl", "lab theorem-1 --effort 0.001", "lab theorem-1 --effort 0.001 --json -",
    f"inspect pairs.jsonl {MODEL}", "models", f"doctor {MODEL}",
]
# What writes a file, whose path FILE stands for.
WRITES = [
    f"score pairs.jsonl {MODEL} -o FILE", f"score pairs.jsonl {MODEL} --top-k 2 -o FILE.npz", "score merge shard-1.jsonl shard-2.jsonl -o FILE",
    f"rank pairs.jsonl {MODEL} -o FILE", f"rank pairs.jsonl {MODEL} -o ranked.jsonl --overwrite --pairs FILE",
    f"{BENCH} --json FILE", f"{BENCH} --markdown FILE", f"{BENCH} --html FILE",
    "bench merge bench-1.json bench-2.json --json FILE",
    "report scored.jsonl -o FILE",
    f"{MATH} --json FILE", f"{MATH} --markdown FILE", f"{MATH} --html FILE", "eval merge math-1.json math-2.json --json FILE",
    "grade answers.jsonl -o FILE", "lab theorem-1 --effort 0.001 --json FILE", "lab theorem-1 --effort 0.001 --html FILE",
]
LIMIT = 100  # bytes: every output is longer


def make_inputs(run, folder):
    pairs = [{"id": str(i), "prompt": f"Capital {i}?", "chosen": "Paris.", "rejected": "A long answer."} for i in range(4)]
    sums = [{"question": f"What is {i} + 3?", "answer": i + 3} for i in range(4)]
    answers = [{"id": str(i), "answer": f"So we get \\boxed{{{i}}}.", "reference": "1"} for i in range(4)]
    for name, rows in (("pairs", pairs), ("sums", sums), ("answers", answers)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    commands = [f"score pairs.jsonl {MODEL} --tokens -o scored.jsonl", f"{BENCH} --json bench.json"]
    for i in (1, 2):
        commands += [f"score pairs.jsonl {MODEL} --shard {i}/2 -o shard-{i}.jsonl",
                     f"{BENCH} --shard {i}/2 --json bench-{i}.json", f"{MATH} --shard {i}/2 --json math-{i}.json"]
    for command in commands:
        done = run(command)
        assert done.returncode == 0, (command, done.stderr)


def limit_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def faults(run, folder):
    """Sentences about what went wrong."""
    before = {path.name for path in folder.iterdir()}
    for command in PRINTS:
        with open("/dev/full", "wb") as full:
            done = run(command, stdout=full)
        if done.returncode != 1 or "standard output" not in done.stderr:
            yield f"on a full standard output: {command}: {done.returncode}: {done.stderr}"
    for command in WRITES:
        missing = command.replace("FILE", "none/output")
        done = run(missing)
        if done.returncode not in (1, 2) or "none" not in done.stderr or (folder / "none").exists():
            yield f"without its directory: {missing}: {done.returncode}: {done.stderr}"
        done = run(command.replace("FILE", "output"), preexec_fn=limit_files)
        if done.returncode != 1 or not ("output" in done.stderr or "cannot write ranked.jsonl" in done.stderr):
            yield f"beyond the limit: {command}: {done.returncode}: {done.stderr}"
        left = folder / "output"
        if left.exists() and left.stat().st_size > 0:
            yield f"beyond the limit: {command}: leaves a file of {left.stat().st_size} bytes"
        for path in folder.iterdir():
            if path.name.startswith(("output", "ranked.jsonl")):
                path.unlink()
            elif path.name not in before:
                yield f"{command} leaves {path.name}"
                path.unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    endorm = parser.parse_args().endorm.resolve()
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    with tempfile.TemporaryDirectory(prefix="endorm-outputs-") as name:
        folder = pathlib.Path(name)

        def run(command, stdout=subprocess.PIPE, preexec_fn=None):
            return subprocess.run([endorm, *command.split()], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                                  preexec_fn=preexec_fn)

        make_inputs(run, folder)
        found = list(faults(run, folder))
    for sentence in found:
        print(sentence)
    print(f"{len(PRINTS)} commands print, {len(WRITES)} write a file; {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
