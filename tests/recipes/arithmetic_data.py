#!/usr/bin/env python3
"""Holds what recipes/arithmetic/make_data.py says of its files: the same options write the same bytes, no problem stands
in two files, answers are right, a right response has no false step, and what is marked as wrong is wrong in that way."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "recipes/arithmetic/make_data.py"
ROWS = {"sft_train": 3000, "rl_prompts": 300, "held_out": 100, "test": 100}
LONGEST = 100  # bytes of a response


def make(folder, *options):
    counts = [word for name, count in ROWS.items() for word in (f"--{name.replace('_', '-')}", str(count))]
    subprocess.run([sys.executable, SCRIPT, "-o", folder, *counts, *options], check=True, capture_output=True)
    return {name: (folder / f"{name}.jsonl").read_text() for name in ROWS}


def holds(step):
    left, right = step.split("=")
    return eval(left, {"__builtins__": {}}) == int(right)  # digits and + - * alone: see below


def check_response(row, answer):
    steps, boxed = row["response"].split(", \\boxed{")
    steps = steps.split(", ")
    assert all(re.fullmatch(r"\d+[-+*]\d+([-+]\d+)?=\d+", step) for step in steps), row
    false = sum(not holds(step) for step in steps)
    right = int(boxed.removesuffix("}")) == answer
    assert len(row["response"].encode()) <= LONGEST, row
    expected = {None: (0, True), "step": (1, False), "answer": (0, False)}[row.get("wrong")]
    assert (false, right) == expected, (row, false, right)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = make(folder / "a")
        assert files == make(folder / "b")
        assert files != make(folder / "c", "--seed", "1")
    seen, wrong = set(), 0
    for name, text in files.items():
        rows = [json.loads(line) for line in text.splitlines()]
        assert len(rows) == ROWS[name]
        for row in rows:
            a, sign, b = re.fullmatch(r"(\d+)([-+*])(\d+)=\?", row.get("prompt", row.get("question"))).groups()
            answer = {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign]
            assert str(answer) == row["answer"], row
            key = (sign, *sorted((int(a), int(b))))
            assert key not in seen, row
            seen.add(key)
            assert ("response" in row) == (name != "rl_prompts")
            if "response" in row:
                check_response(row, answer)
            wrong += row.get("wrong") is not None
    share = wrong / ROWS["sft_train"]
    assert abs(share - 0.3) < 0.03, share
    print(f"{sum(ROWS.values())} rows, {share:.3f} of the demonstrations wrong as marked")


if __name__ == "__main__":
    main()
