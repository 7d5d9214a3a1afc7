#!/usr/bin/env python3
"""Writes word problems of one step of arithmetic, as JSON lines with id, prompt (in the others: question) and answer:

    make_problems.py DIRECTORY [--seed N]

train.jsonl (400), held_out.jsonl (100) and test.jsonl (300): no problem is in two of them, and the test is for after all
choices are made. Equal seeds give equal files.
"""
import argparse
import json
import pathlib
import random

NAMES = ["Tom", "Anna", "Ben", "Mia", "Sam", "Lucy", "Omar", "Nina", "Leo", "Eva"]
THINGS = ["apples", "pencils", "marbles", "books", "stickers", "coins", "shells", "cards"]
SIZES = {"train": 400, "held_out": 100, "test": 300}


def problem(stream):
    name, other = stream.sample(NAMES, 2)
    thing = stream.choice(THINGS)
    a, b = stream.randint(3, 20), stream.randint(2, 9)
    kind = stream.randrange(3)
    if kind == 0:
        return f"{name} has {a} {thing} and buys {b} more. How many {thing} does {name} have now?", a + b
    if kind == 1:
        a = max(a, b) + 1
        return f"{name} has {a} {thing} and gives {b} of them to {other}. How many {thing} does {name} have left?", a - b
    a = stream.randint(2, 9)
    return f"There are {a} boxes with {b} {thing} each. How many {thing} are there in all?", a * b


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
                asked = {"prompt" if name == "train" else "question": question + " Answer in one short sentence."}
                file.write(json.dumps({"id": f"{name}-{count}", **asked, "answer": str(answer)}) + "\n")


if __name__ == "__main__":
    main()
