#!/usr/bin/env python3
"""Grades pairs with Math-Verify (pip install math-verify==0.9.0) and prints where EndoRM and it disagree.

    grade_math_verify.py --endorm PATH --pairs tests/grade/pairs.tsv [--data ../shared/data] [--out disagreements.jsonl]

Pairs: those made by hand, whose verdict is known; and with --data every published reference answer against itself and
against mutations of itself that a person calls wrong: an integer plus one, a sign flipped, a tuple swapped, the end of
an interval moved by one. Not part of the tests: it needs the package. docs/grading.md settles the disagreements.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import tempfile

from math_verify import parse, verify
from math_verify.parser import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig


def boxed(text):
    """What the last \\boxed{} of a text holds."""
    begin = text.rfind("\\boxed{")
    if begin < 0:
        return None
    open_braces = 0
    for place in range(begin + 6, len(text)):
        open_braces += {"{": 1, "}": -1}.get(text[place], 0)
        if open_braces == 0:
            return text[begin + 7:place]
    return None


def references(data):
    for name in ("aime24", "aime25", "amc23", "math500", "minerva_math", "olympiadbench", "sat_math"):
        for line in open(data / f"math_suites/{name}.jsonl"):
            row = json.loads(line)
            if name == "minerva_math":
                yield name, boxed(row["solution"])
            elif name == "olympiadbench":
                yield name, ", ".join(row["final_answer"])
            else:
                yield name, str(row.get("answer", row.get("Answer")))
    for part in ("test", "train"):
        for line in open(data / f"gsm8k/{part}.jsonl"):
            yield f"gsm8k-{part}", json.loads(line)["answer"].split("####")[1].strip()
    for row in json.load(open(data / "math_train/math.json")):
        if row["answer"]:
            yield "math_train", row["answer"]


def mutations(text):
    """(kind, mutation) of a reference: each is wrong."""
    bare = text.replace("\\$", "").replace("$", "").strip()
    if re.fullmatch(r"-?\d+", bare):
        yield "plus one", str(int(bare) + 1)
        if int(bare) != 0:
            yield "sign", str(-int(bare))
        return
    interval = re.fullmatch(r"([(\[])(-?\d+), ?(-?\d+)([)\]])", bare)
    if interval:
        low, high = interval.group(2), interval.group(3)
        yield "end", f"{interval.group(1)}{low},{int(high) + 1}{interval.group(4)}"
        if low != high:
            yield "swap", f"{interval.group(1)}{high},{low}{interval.group(4)}"
        other = "]" if interval.group(4) == ")" else ")"
        yield "bracket", f"{interval.group(1)}{low},{high}{other}"
        return
    if re.fullmatch(r"[^,=<>]*\d[^,=<>]*", bare) and "\\text" not in bare and "_" not in bare and "\\pm" not in bare:
        last = list(re.finditer(r"\d+", bare))[-1]
        yield "last number", bare[:last.start()] + str(int(last.group()) + 1) + bare[last.end():]


def pairs_of(arguments):
    for number, line in enumerate(open(arguments.pairs), 1):
        if line.strip() and not line.startswith("#"):
            verdict, answer, reference = line.rstrip("\n").split("\t")
            yield {"id": f"hand/{number}", "kind": "hand", "answer": answer.replace("\\n####", "\n####"),
                   "reference": reference, "right": verdict}
    if arguments.data:
        seen = set()
        for number, (suite, text) in enumerate(references(arguments.data)):
            if text in seen:
                continue
            seen.add(text)
            yield {"id": f"{suite}/{number}", "kind": "itself", "answer": text, "reference": text, "right": "correct"}
            for kind, other in mutations(text):
                yield {"id": f"{suite}/{number}/{kind}", "kind": kind, "answer": other, "reference": text, "right": "wrong"}


def as_formula(text):
    if "\\$" in text and "\\boxed" not in text:
        return f"\\boxed{{{text}}}"  # a formula between $ signs would end at the currency's
    return text if "$" in text or "\\boxed" in text or " is " in text else f"${text}$"


def math_verify_verdict(pair):
    config = [LatexExtractionConfig(), ExprExtractionConfig(), StringExtractionConfig()]
    try:
        reference = parse(as_formula(pair["reference"]), extraction_config=config)
        answer = parse(as_formula(pair["answer"]), extraction_config=config)
    except Exception:  # whatever it throws, it gives no verdict
        return "unparsable"
    if not reference or not answer:
        return "unparsable"
    return "correct" if verify(reference, answer) else "wrong"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    pairs = list(pairs_of(arguments))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as records:
        for pair in pairs:
            records.write(json.dumps(pair) + "\n")
        records.flush()
        graded = subprocess.run([arguments.endorm, "grade", records.name], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in graded.stdout.splitlines()]
    table = collections.Counter()
    right = collections.Counter()
    disagreements = []
    for pair, row in zip(pairs, rows, strict=True):
        theirs = math_verify_verdict(pair)
        ours = row["verdict"]
        table[ours, theirs] += 1
        right[pair["kind"], "pairs"] += 1
        right[pair["kind"], "EndoRM right"] += ours == pair["right"]
        right[pair["kind"], "Math-Verify right"] += theirs == pair["right"]
        if ours != theirs:
            disagreements.append({**pair, "endorm": ours, "math_verify": theirs, "reason": row["reason"]})
    print("EndoRM / Math-Verify:")
    for (ours, theirs), count in sorted(table.items()):
        print(f"  {ours:10} {theirs:10} {count}")
    for kind in sorted({kind for kind, _ in right}):
        print(f"{kind}: " + ", ".join(f"{what} {right[kind, what]}" for what in ("pairs", "EndoRM right", "Math-Verify right")))
    for row in disagreements:
        if row["endorm"] != row["right"]:
            print("EndoRM alone:", json.dumps(row))
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(row) + "\n" for row in disagreements))


if __name__ == "__main__":
    main()
