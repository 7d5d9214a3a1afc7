#!/usr/bin/env python3
"""Writes sums with worked steps, for a model that begins from nothing: of its demonstrations a share is wrong.

    python3 recipes/arithmetic/make_data.py -o DIRECTORY     # Python 3 alone; the same options write the same bytes

Problems are additions and subtractions of three to five digits and multiplications of three digits by one and of two by
two. Addition, subtraction and multiplication by one digit go from the units to the left, carry by carry; the others add
two partial products:

    3475+586=?    5+6=11, 7+8+1=16, 4+5+1=10, 3+0+1=4, \\boxed{4061}
    832-457=?     12-7=5, 13-5-1=7, 8-4-1=3, \\boxed{375}
    347*6=?       7*6=42, 4*6+4=28, 3*6+2=20, \\boxed{2082}
    47*36=?       47*6=282, 47*30=1410, 282+1410=1692, \\boxed{1692}

Files, no problem in two of them (a+b and b+a are one problem):
    sft_train.jsonl   id, prompt, response, answer, subject, wrong: null, or what is wrong in the response: "step" (one
                      step has another result, and what follows from it is carried through) or "answer" (the steps are
                      right, and one digit of the answer is another)
    rl_prompts.jsonl  id, prompt, answer, subject
    held_out.jsonl    id, question, which is the prompt, response (a right one), answer, subject: for `endorm eval math
    test.jsonl        --suite`, `endorm sft --held-out` and held_out of `endorm rl`. test is for the end alone
"""
import argparse
import json
import pathlib
import random

SUBJECTS = {"addition": 0.4, "subtraction": 0.35, "multiplication by one digit": 0.15, "multiplication of two digits": 0.1}
FILES = {"sft_train": 40000, "rl_prompts": 4000, "held_out": 500, "test": 500}


def digits_of(number, count):
    """From the units to the left."""
    return [number // 10**place % 10 for place in range(count)]


class Slip:
    """Makes one result of a response wrong: the one of its step number `at`, none where that is None."""

    def __init__(self, at, draw):
        self.at, self.draw, self.step = at, draw, -1

    def result(self, right, lowest, highest):
        self.step += 1
        if self.step != self.at:
            return right
        near = [right + shift for shift in (-10, -2, -1, 1, 2, 10) if lowest <= right + shift <= highest]
        return self.draw.choice(near)


def addition(a, b, slip):
    carry, total, steps = 0, 0, []
    places = max(len(str(a)), len(str(b)))
    for place, (x, y) in enumerate(zip(digits_of(a, places), digits_of(b, places))):
        found = slip.result(x + y + carry, 0, 19)
        steps.append(f"{x}+{y}{'+1' if carry else ''}={found}")
        last = place == places - 1
        total += (found if last else found % 10) * 10**place
        carry = found // 10
    return steps, total


def subtraction(a, b, slip):
    """a >= b."""
    borrowed, total, steps = 0, 0, []
    places = len(str(a))
    for place, (x, y) in enumerate(zip(digits_of(a, places), digits_of(b, places))):
        lent = 10 if x - y - borrowed < 0 else 0
        found = slip.result(x + lent - y - borrowed, 0, 9)
        steps.append(f"{x + lent}-{y}{'-1' if borrowed else ''}={found}")
        total += found * 10**place
        borrowed = lent // 10
    return steps, total


def multiplication_by_one_digit(a, b, slip):
    carry, total, steps = 0, 0, []
    places = len(str(a))
    for place, x in enumerate(digits_of(a, places)):
        found = slip.result(x * b + carry, 0, 89)
        steps.append(f"{x}*{b}{f'+{carry}' if carry else ''}={found}")
        last = place == places - 1
        total += (found if last else found % 10) * 10**place
        carry = found // 10
    return steps, total


def multiplication_of_two_digits(a, b, slip):
    units, tens = b % 10, b // 10 * 10
    low = slip.result(a * units, 0, 10**6)
    high = slip.result(a * tens, 0, 10**6)
    total = slip.result(low + high, 0, 10**6)
    return [f"{a}*{units}={low}", f"{a}*{tens}={high}", f"{low}+{high}={total}"], total


WORKED = {
    "addition": ("+", addition),
    "subtraction": ("-", subtraction),
    "multiplication by one digit": ("*", multiplication_by_one_digit),
    "multiplication of two digits": ("*", multiplication_of_two_digits),
}


def right_answer(subject, a, b):
    return a + b if subject == "addition" else a - b if subject == "subtraction" else a * b


def operands(subject, draw):
    if subject == "multiplication by one digit":
        return draw.randrange(100, 1000), draw.randrange(2, 10)
    if subject == "multiplication of two digits":
        return draw.randrange(11, 100), draw.randrange(11, 100)
    a, b = (draw.randrange(10 ** (places - 1), 10**places) for places in (draw.randrange(3, 6), draw.randrange(3, 6)))
    return (a, b) if subject == "addition" or a >= b else (b, a)


def response(steps, answer):
    return ", ".join(steps) + f", \\boxed{{{answer}}}"


def wrong_response(subject, a, b, draw):
    """(response, what is wrong in it)."""
    _, work = WORKED[subject]
    steps, right = work(a, b, Slip(None, draw))
    if draw.random() < 0.25:
        text = list(str(right))
        place = draw.randrange(len(text))
        text[place] = draw.choice([digit for digit in "0123456789" if digit != text[place] and (place > 0 or digit != "0")])
        return response(steps, "".join(text)), "answer"
    while True:
        steps, found = work(a, b, Slip(draw.randrange(len(steps)), draw))
        if found != right:
            return response(steps, found), "step"


def draw_problem(draw, seen):
    """(subject, a, b) that was not there before."""
    while True:
        subject = draw.choices(list(SUBJECTS), list(SUBJECTS.values()))[0]
        a, b = operands(subject, draw)
        key = (subject, max(a, b), min(a, b))
        if key not in seen:
            seen.add(key)
            return subject, a, b


def row(name, number, subject, a, b, wrong_share, draw):
    sign, work = WORKED[subject]
    answer = right_answer(subject, a, b)
    asked = "question" if name in ("held_out", "test") else "prompt"
    fields = {"id": f"{name}-{number}", asked: f"{a}{sign}{b}=?", "answer": str(answer), "subject": subject}
    if name != "rl_prompts":
        steps, found = work(a, b, Slip(None, draw))
        assert found == answer, (subject, a, b, steps, found)
        fields["response"] = response(steps, found)
    if name == "sft_train":
        fields["wrong"] = None
        if draw.random() < wrong_share:
            fields["response"], fields["wrong"] = wrong_response(subject, a, b, draw)
    return fields


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path, help="directory of the files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wrong-share", type=float, default=0.3, help="of demonstrations, 0 to 1 (default: 0.3)")
    for name, count in FILES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=count, help=f"rows (default: {count})")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    draw = random.Random(arguments.seed)
    seen = set()
    for name in reversed(FILES):  # what is measured does not depend on how much is learnt from
        rows = [row(name, number, *draw_problem(draw, seen), arguments.wrong_share, draw)
                for number in range(getattr(arguments, name))]
        (arguments.output / f"{name}.jsonl").write_text("".join(json.dumps(fields) + "\n" for fields in rows))
        wrong = sum(bool(fields.get("wrong")) for fields in rows)
        print(f"{name}.jsonl: {len(rows)} rows" + (f", {wrong} wrong" if name == "sft_train" else ""))


if __name__ == "__main__":
    main()
