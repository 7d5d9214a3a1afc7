#!/usr/bin/env python3
"""Writes word problems of one or two steps of arithmetic, as JSON lines with prompt and answer:

    make_problems.py DIRECTORY [--seed N]

train.jsonl (400), held_out.jsonl (100) and test.jsonl (200): no problem is in two of them, and the test is for after all
choices are made. Equal seeds give equal files.
"""
import argparse
import json
import pathlib
import random

NAMES = ["Tom", "Anna", "Ben", "Mia", "Sam", "Lucy", "Omar", "Nina", "Leo", "Eva"]
THINGS = ["apples", "pencils", "marbles", "books", "stickers", "coins", "shells", "cards"]
SIZES = {"train": 400, "held_out": 100, "test": 200}


def problem(stream):
    name, other = stream.sample(NAMES, 2)
    thing = stream.choice(THINGS)
    a, b, c = stream.randint(3, 20), stream.randint(2, 15), stream.randint(2, 9)
    kind = stream.randrange(5)
    if kind == 0:
        return f"{name} has {a} {thing} and buys {b} more. How many {thing} does {name} have now?", a + b
    if kind == 1:
        a, b = max(a, b) + 1, min(a, b)
        return f"{name} has {a} {thing} and gives {b} of them to {other}. How many {thing} does {name} have left?", a - b
    if kind == 2:
        return f"There are {c} boxes with {b} {thing} each. How many {thing} are there in all?", c * b
    if kind == 3:
        return f"{name} has {a} {thing}. {other} has {b} more than {name}. How many {thing} do they have together?", 2 * a + b
    return f"{name} buys {c} bags of {b} {thing} and finds {a} more. How many {thing} does {name} have?", c * b + a


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    stream = random.Random(arguments.seed)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    seen = set()
    for name, count in SIZES.items():
        with open(arguments.directory / f"{name}.jsonl", "w") as file:
            while count > 0:
                question, answer = problem(stream)
                if question in seen:
                    continue
                seen.add(question)
                count -= 1
                prompt = question + " Think in short steps and end with \\boxed{the number}."
                file.write(json.dumps({"id": f"{name}-{count}", "prompt": prompt, "answer": str(answer)}) + "\n")


if __name__ == "__main__":
    main()
