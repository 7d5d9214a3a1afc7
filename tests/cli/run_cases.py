#!/usr/bin/env python3
"""Runs the command line's cases: tests/cli/cases/*.txt, each a list of command lines and what must come of them.

    run_cases.py --endorm PATH [--only TEXT] [--share I/N] [FILE...]

A case runs in a scratch directory of its own. A line is a keyword and its argument:

    case NAME            begins a case
    needs THING          skips the case where THING is missing: tmpfs (the right to mount one), netns (that to leave the network), pyarrow
    file NAME            makes a text file of the lines below that begin with "| "
    bytes NAME EXPR      makes a file of a Python expression of bytes
    copy NAME SOURCE     copies a file of the repository
    cut NAME BYTES       keeps its first bytes
    patch NAME AT EXPR   overwrites bytes in it
    run COMMAND          a line of bash; `endorm` is the binary, $TINY a model without chat template, $TEMPLATES the folder
                         of those that llama.cpp ships, $VISION that of models that see. What follows holds of this run:
    status N             its exit status (0 where nothing is said)
    out REGEX            standard output has this; `no-out`, `err` and `no-err` likewise
    holds EXPR           a Python expression that is exactly True. rows(NAME) are the rows of a result file without its
                         manifest, manifest(NAME) that; NAME "out" is standard output. near(a, b, tolerance) is false for
                         NaN; read(NAME) is a file's text; out, err and status are the run's.

Every result must be strict JSON: NaN and Infinity fail. No run may end by a signal, with exit status 70, with a
control character or with a word in brackets, "[aggregate] ", that names no command on standard error.
"""
import argparse
import ast
import functools
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/golden/engine_tiny_llama.gguf"
SECONDS = 120


class Failure(Exception):
    pass


def refuse_constant(name):
    raise Failure(f"a result holds {name}")


def strict_json(line):
    try:
        return json.loads(line, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise Failure(f"no JSON ({error}): {line[:200]!r}") from error


@functools.cache
def commands(path, words=()):
    """The names of all subcommands of the binary on this path."""
    done = subprocess.run([shutil.which("endorm", path=path), *words, "--help"], capture_output=True, text=True, check=True)
    listed = re.search(r"^Subcommands:\n((?:  .*\n)*)", done.stdout, re.M)
    names = re.findall(r"^  ([a-z]\w*)", listed.group(1), re.M) if listed else []
    return {*names, *(inner for name in names for inner in commands(path, (*words, name)))}


def near(left, right, tolerance):
    """NaN is near nothing."""
    return math.isfinite(left) and math.isfinite(right) and abs(left - right) <= tolerance


class Case:
    """One case: its steps are (line number, keyword, argument, lines of text)."""

    def __init__(self, name):
        self.name = name
        self.steps = []

    def play(self, folder, environment):
        self.folder = pathlib.Path(folder)
        self.run = None
        self.status_named = True
        for number, word, argument, text in self.steps:
            try:
                if word in ("run", "end"):
                    self.close_run()
                if word == "run":
                    self.start(argument, environment)
                elif word != "end":
                    self.step(word, argument, text)
            except (Failure, AssertionError) as failure:
                raise Failure(f"line {number}: {word} {argument}\n      {failure}{self.last_words()}") from failure
            except Exception as error:  # a wrong expression in a case, or a row that lacks what it reads
                raise Failure(f"line {number}: {word} {argument}\n      {type(error).__name__}: {error}"
                              f"{self.last_words()}") from error

    def last_words(self):
        if not self.run:
            return ""
        return f"\n      exit status {self.run.returncode}\n      out: {self.out[-1500:]!r}\n      err: {self.err[-800:]!r}"

    def start(self, command, environment):
        self.run = subprocess.run(["bash", "-c", command], cwd=self.folder, env=environment, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        self.out = self.run.stdout.decode("utf-8", "strict")
        self.err = self.run.stderr.decode("utf-8", "strict")
        self.status_named = False
        if self.run.returncode in (70, 127) or self.run.returncode > 128 or self.run.returncode < 0:
            raise Failure("a crash, a defect by its own word, or no such command")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", self.err):
            raise Failure("control characters on standard error, which is no terminal")
        for name in re.findall(r"\[([A-Za-z][\w:]*)\] ", self.err):
            if name not in commands(environment["PATH"]):
                raise Failure(f"a name of the code on standard error: [{name}]")

    def close_run(self):
        if self.run and not self.status_named and self.run.returncode != 0:
            raise Failure("the run before this line failed, and no status was expected")

    def lines(self, name):
        text = self.out if name == "out" else (self.folder / name).read_text()
        if text and not text.endswith("\n"):
            raise Failure(f"{name} does not end with a newline")
        return [strict_json(line) for line in text.splitlines()]

    def rows(self, name="out"):
        return [line for line in self.lines(name) if "manifest" not in line]

    def manifest(self, name="out"):
        first, *others = self.lines(name)
        if any("manifest" in line for line in others):
            raise Failure(f"{name} has a second manifest")
        return first["manifest"]

    def step(self, word, argument, text):
        name, _, rest = argument.partition(" ")
        if word == "file":
            (self.folder / name).write_text("".join(line + "\n" for line in text))
        elif word == "bytes":
            (self.folder / name).write_bytes(eval(rest, {"__builtins__": {}}))  # our own test data
        elif word == "copy":
            shutil.copyfile(ROOT / rest, self.folder / name)
        elif word == "cut":
            os.truncate(self.folder / name, int(rest))
        elif word == "patch":
            at, _, content = rest.partition(" ")
            with open(self.folder / name, "r+b") as file:
                file.seek(int(at))
                file.write(ast.literal_eval(content))
        elif word == "status":
            self.status_named = True
            if self.run.returncode != int(argument):
                raise Failure("another exit status")
        elif word in ("out", "err", "no-out", "no-err"):
            found = re.search(argument, self.out if word.endswith("out") else self.err, re.M) is not None
            if found == word.startswith("no-"):
                raise Failure("found" if found else "not found")
        elif word == "holds":
            names = {"rows": self.rows, "manifest": self.manifest, "near": near, "out": self.out, "err": self.err,
                     "status": self.run.returncode, "read": lambda path: (self.folder / path).read_text(),
                     "exists": lambda path: (self.folder / path).exists(), "json": strict_json}
            if eval(argument, names) is not True:  # our own test data
                raise Failure("does not hold")
        else:
            raise Failure(f"there is no keyword {word!r}")


def read_cases(path):
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("| ") or line == "|":
            cases[-1].steps[-1][3].append(line[2:])
            continue
        word, _, argument = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word == "case":
            cases.append(Case(argument))
        else:
            cases[-1].steps.append((number, word, argument, []))
    for case in cases:
        if not any(step[1] == "run" for step in case.steps):
            raise SystemExit(f"{path}: the case \"{case.name}\" runs nothing")
        case.steps.append((number, "end", "of the case", []))
    return cases


def lacks(case):
    """Why this machine cannot play the case; none where it can."""
    for _, word, argument, _ in case.steps:
        if word == "needs" and argument == "tmpfs":
            with tempfile.TemporaryDirectory() as folder:
                trial = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=64k", "none", folder],
                                       capture_output=True, check=False)
            if trial.returncode != 0:
                return "no right to mount a tmpfs"
        if word == "needs" and argument == "netns":
            if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0:
                return "no right to leave the network"
        if word == "needs" and argument == "pyarrow":
            trial = subprocess.run(["python3", "-c", "import pyarrow.parquet"], capture_output=True, check=False)
            if trial.returncode != 0:
                return "python3 has no pyarrow"
    case.steps = [step for step in case.steps if step[1] != "needs"]
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="", help="cases whose name has this")
    parser.add_argument("--share", default="1/1", help="I/N: every N-th case of a file, from the I-th")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    environment = dict(os.environ, TINY=str(TINY), VISION=str(TINY.parent), LC_ALL="C.UTF-8")
    environment["PATH"] = f"{arguments.endorm.resolve().parent}:{environment['PATH']}"
    share, shares = map(int, arguments.share.split("/"))
    failed = played = 0
    for path in arguments.files or sorted((ROOT / "tests/cli/cases").glob("*.txt")):
        for case in read_cases(path)[share - 1::shares]:
            if arguments.only not in case.name:
                continue
            reason = lacks(case)
            if reason:
                print(f"left out: {path.stem}: {case.name}: {reason}")
                continue
            played += 1
            with tempfile.TemporaryDirectory(prefix="endorm-case-") as folder:
                start = time.monotonic()
                try:
                    case.play(folder, environment)
                    print(f"ok   {path.stem}: {case.name} ({time.monotonic() - start:.1f} s)", flush=True)
                except (Failure, subprocess.TimeoutExpired) as failure:
                    failed += 1
                    print(f"FAIL {path.stem}: {case.name}\n      {failure}", flush=True)
    print(f"{played - failed} of {played} cases pass")
    return 1 if failed or not played else 0


if __name__ == "__main__":
    sys.exit(main())
