#!/usr/bin/env python3
"""Grades pairs with Math-Verify (pip install math-verify==0.9.0) and prints where EndoRM and it disagree.

    grade_math_verify.py --endorm PATH [--pairs tests/grade/pairs.tsv] [--references DATA] [--solutions DATA]
                         [--samples FILE.jsonl] [--out disagreements.jsonl]

--pairs: those made by hand, whose verdict is known. --references: every published reference answer against itself, in
the words of models, and against mutations of itself that a person calls wrong: an integer plus one, a sign flipped, a
tuple swapped, the end of an interval moved by one. --solutions: what strong models wrote, as ProcessBench publishes it
with a label of the final answer, against the reference of the same problem in GSM8K, MATH and OlympiadBench (or, where
none is published, the boxed answer of another solution that is labelled right). --samples: lines of {"id", "answer",
"reference"} and, where it is known, "right": correct or wrong. DATA is ../shared/data.
Not part of the tests: it needs the package. docs/grading.md settles the disagreements.
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


# How models state an answer; a currency's sign inside a formula is no formula's end.
SENTENCES = (
    "Adding it up gives the total.\n\nThe final answer is: $\\boxed{ANSWER}$",
    "Therefore, we have\n\\[\n\\boxed{ANSWER}.\n\\]",
    "**Final Answer**\n\n\\(\\boxed{ANSWER}\\)",
    "We solved for it above. The final answer is $ANSWER$. I hope it is correct.",
    "We have checked both of the cases, so the answer is \\(ANSWER\\).",
)


def one_space(text):
    return " ".join(text.split())


def answers_by_problem(data):
    found = {}
    for part in ("test", "train"):
        for line in open(data / f"gsm8k/{part}.jsonl"):
            row = json.loads(line)
            found[one_space(row["question"])] = row["answer"].split("####")[1].strip()
    for line in open(data / "math_suites/math500.jsonl"):
        row = json.loads(line)
        found[one_space(row["problem"])] = row["answer"]
    for row in json.load(open(data / "math_train/math.json")):
        if row["answer"]:
            found.setdefault(one_space(row["problem"]), row["answer"])
    for line in open(data / "math_suites/olympiadbench.jsonl"):
        row = json.loads(line)
        found[one_space(row["question"])] = ", ".join(row["final_answer"])
    return found


def solutions(data):
    published = answers_by_problem(data)
    for suite in ("gsm8k", "math", "olympiadbench", "omnimath"):
        rows = json.load(open(data / f"processbench/{suite}.json"))
        boxes = {}
        for row in rows:
            if row["final_answer_correct"] and boxed(row["steps"][-1]) is not None:
                boxes.setdefault(one_space(row["problem"]), (row["id"], boxed(row["steps"][-1])))
        for row in rows:
            problem = one_space(row["problem"])
            owner, reference = None, published.get(problem)
            if reference is None:
                owner, reference = boxes.get(problem, (None, None))
            if reference is not None and owner != row["id"]:
                yield {"id": row["id"], "kind": f"solution {suite}", "answer": "\n\n".join(row["steps"]),
                       "reference": reference, "right": "correct" if row["final_answer_correct"] else "wrong"}


def pairs_of(arguments):
    if arguments.pairs:
        for number, line in enumerate(open(arguments.pairs), 1):
            if line.strip() and not line.startswith("#"):
                verdict, answer, reference = line.rstrip("\n").split("\t")[:3]
                yield {"id": f"hand/{number}", "kind": "hand", "answer": answer.replace("<br>", "\n"),
                       "reference": reference, "right": verdict}
    if arguments.references:
        seen = set()
        for number, (suite, text) in enumerate(references(arguments.references)):
            if text in seen:
                continue
            seen.add(text)
            yield {"id": f"{suite}/{number}", "kind": "itself", "answer": text, "reference": text, "right": "correct"}
            sentence = SENTENCES[number % len(SENTENCES)].replace("ANSWER", text.replace("\\$", "").replace("$", ""))
            yield {"id": f"{suite}/{number}/words", "kind": "in words", "answer": sentence, "reference": text,
                   "right": "correct"}
            for kind, other in mutations(text):
                yield {"id": f"{suite}/{number}/{kind}", "kind": kind, "answer": other, "reference": text, "right": "wrong"}
    if arguments.solutions:
        yield from solutions(arguments.solutions)
    if arguments.samples:
        for line in open(arguments.samples):
            row = json.loads(line)
            suite = str(row["id"]).partition("/")[0]
            yield {"id": row["id"], "kind": f"sample {suite}", "answer": row["answer"], "reference": row["reference"],
                   "right": row.get("right")}


def as_formula(text):
    if "\\$" in text and "\\boxed" not in text:
        return f"\\boxed{{{text}}}"  # a formula between $ signs would end at the currency's
    return text if "$" in text or "\\boxed" in text or " is " in text else f"${text}$"


def math_verify_verdict(pair):
    config = [LatexExtractionConfig(), ExprExtractionConfig()]
    whole_text = pair["kind"].startswith(("solution", "sample", "in words"))
    if not whole_text:
        config.append(StringExtractionConfig())  # letters of a multiple choice; in prose it finds the article
    try:
        reference = parse(as_formula(pair["reference"]), extraction_config=config)
        answer = parse(pair["answer"] if whole_text else as_formula(pair["answer"]), extraction_config=config)
    except Exception:  # whatever it throws, it gives no verdict
        return "unparsable"
    if not reference or not answer:
        return "unparsable"
    return "correct" if verify(reference, answer) else "wrong"


def verdicts_of_endorm(binary, pairs):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as records:
        for pair in pairs:
            records.write(json.dumps(pair) + "\n")
        records.flush()
        graded = subprocess.run([binary, "grade", records.name], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in graded.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True)
    parser.add_argument("--pairs")
    parser.add_argument("--references", type=pathlib.Path)
    parser.add_argument("--solutions", type=pathlib.Path)
    parser.add_argument("--samples")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    pairs = list(pairs_of(arguments))
    table = collections.Counter()
    disagreements = []
    for pair, row in zip(pairs, verdicts_of_endorm(arguments.endorm, pairs), strict=True):
        theirs = math_verify_verdict(pair)
        ours = row["verdict"]
        table[pair["kind"], ours, theirs, pair["right"] or "-"] += 1
        if ours != theirs or pair["right"] not in (None, ours):
            disagreements.append({**pair, "endorm": ours, "math_verify": theirs, "reason": row["reason"],
                                  "answer_normal": row["answer_normal"], "reference_normal": row["reference_normal"]})
    print("kind                    EndoRM      Math-Verify label       count")
    for (kind, ours, theirs, label), count in sorted(table.items()):
        print(f"{kind:23} {ours:11} {theirs:11} {label:11} {count}")
    print("\nkind                    pairs  EndoRM as labelled  Math-Verify as labelled  the two agree")
    for kind in sorted({key[0] for key in table}):
        rows = [(key, count) for key, count in table.items() if key[0] == kind]
        labelled = any(key[3] != "-" for key, _ in rows)
        sums = [sum(count for key, count in rows if chosen(key)) for chosen in (
            lambda key: True, lambda key: key[1] == key[3], lambda key: key[2] == key[3], lambda key: key[1] == key[2])]
        print(f"{kind:23} {sums[0]:5}  {sums[1] if labelled else '-':>18}  {sums[2] if labelled else '-':>23}  {sums[3]:13}")
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(row) + "\n" for row in disagreements))


if __name__ == "__main__":
    main()
