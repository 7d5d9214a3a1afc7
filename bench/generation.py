"""The speed of writing: 64 samples at once by SmolLM2-135M, ours beside transformers' generate.

First what both write greedily in f32 is found to be the same; then eight samples of each of eight questions are drawn at
temperature 1, up to 128 tokens each, by every set-up in turn. Tokens a second count what came out: a completion's tokens,
without those that end it. transformers is timed at its fastest of f32 and bf16, and of 16, 32 and 64 sequences at once.
"""

import statistics
import sys

from contenders import OURS, REFERENCE, RIVALS, Contender, Runner
from measure import ceiling, higher
from models import Work
from page import named, say, table
from workloads import tokenize

ASK = " Please reason step by step, and put your final answer within \\boxed{}."
QUESTIONS = [
    "A baker sells 36 loaves on Monday and a third more on Tuesday. How many loaves does she sell in both days?",
    "Tom has 84 marbles. He gives a quarter of them to his sister and 15 to a friend. How many marbles are left?",
    "A train leaves at 9:20 and arrives at 13:05. It stops for 10 minutes three times. How long is it moving, in minutes?",
    "Tickets cost 12 dollars for adults and 7 dollars for children. A family of two adults and five children has a voucher of"
    " 10 dollars. How much do they pay?",
    "A tank holds 240 litres. One pump fills 8 litres a minute while a leak loses 2 litres a minute. After how many minutes is"
    " the empty tank full?",
    "Lena reads 18 pages a day on weekdays and 30 pages a day at weekends. How many pages does she read in three weeks?",
    "A rectangular garden is 14 metres long and 9 metres wide. Fence posts stand every metre along its border. How many posts"
    " are there?",
    "Sara saves 5 dollars in the first week and 3 dollars more each week than the week before. How much has she saved after six"
    " weeks?",
]
SAMPLES, MAX_TOKENS, GREEDY_TOKENS, TUNING_TOKENS = 8, 128, 64, 48
AT_ONCE = (64, 32, 16)
END = [2, 0]  # <|im_end|>, <|endoftext|> of SmolLM2
SECTION = "SmolLM2-135M, 64 samples at once"


class Writer(Runner):
    """A contender that writes, so many sequences at once."""

    at_once = max(AT_ONCE)

    def write(self, prompts, max_tokens, temperature, at_once=None):
        request = {"do": "write", "prompts": prompts, "max_tokens": max_tokens, "temperature": temperature}
        return self.ask(request | {"end": END, "at_once": at_once or self.at_once})


def check_equal(model, rival, prompts, threads, log):
    """What f32 weights write greedily must be what transformers writes."""
    mine = Writer(Contender("ours", "exact", "f32"), model, threads, log)
    found = mine.write(prompts, GREEDY_TOKENS, 0.0)["completions"]
    mine.close()
    expected = rival.write(prompts, GREEDY_TOKENS, 0.0)["completions"]
    wrong = [i for i, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b]
    if wrong:
        sys.exit(f"greedy completions of f32 weights are not those of transformers, for questions {wrong}: nothing is timed")
    return f"greedy in f32 as transformers: {sum(map(len, found))} tokens of {len(prompts)} questions"


def work_of(model, prompts, completions):
    """Floating-point operations of drawing: a prompt once, its samples behind it, logits for what was drawn."""
    grouped = {}
    for prompt, completion in zip(prompts, completions, strict=True):
        grouped.setdefault(tuple(prompt), []).append(completion)
    tokens = {"prompts": [{"prompt": list(p), "responses": responses} for p, responses in grouped.items()]}
    return Work(model.file("bf16")).flops(tokens, True)


def fastest_rival(model, questions, prompts, threads, log):
    """transformers with the type and the number of sequences at once that draw the first tokens fastest."""
    took = {}
    for contender in RIVALS:
        rival = Writer(contender, model, threads, log)
        if contender == REFERENCE:
            say("  " + check_equal(model, rival, questions, threads, log))
        rival.write(questions, 4, 1.0)
        for at_once in AT_ONCE:
            took[contender, at_once] = rival.write(prompts, TUNING_TOKENS, 1.0, at_once)["seconds"]
            say(f"  {rival.name}, {at_once} at once: {took[contender, at_once]:.1f} s for {TUNING_TOKENS} tokens each")
        rival.close()
    contender, at_once = min(took, key=took.get)
    rival = Writer(contender, model, threads, log)
    rival.at_once = at_once
    return rival


def measure(model, threads, folder, rounds):
    """-> rows, one a set-up."""
    texts = tokenize(model, "model", [{"prompt": question + ASK, "responses": [""]} for question in QUESTIONS])
    questions = [text["prompt"] for text in texts]
    prompts = [prompt for prompt in questions for _ in range(SAMPLES)]
    with open(folder / "runners.log", "a", encoding="utf-8") as log:
        rival = fastest_rival(model, questions, prompts, threads, log)
        writers = [rival, *(Writer(one, model, threads, log) for one in OURS if one.precision != "native")]
        for writer in writers:
            writer.write(questions, 4, 1.0)
        answers = {writer: [] for writer in writers}
        first = ceiling(model.programs, threads)
        for _ in range(rounds):
            for writer in writers:
                answers[writer].append(writer.write(prompts, MAX_TOKENS, 1.0))
            say("  " + ", ".join(f"{one.name} {speeds(answers[one])[-1]:.0f}" for one in writers) + " tokens/s")
        for writer in writers:
            writer.close()
    peaks = higher(first, ceiling(model.programs, threads))
    return [row_of(writer, answers, rival, model, prompts, peaks) for writer in writers]


def speeds(answers):
    return [sum(map(len, answer["completions"])) / answer["seconds"] for answer in answers]


def row_of(writer, answers, rival, model, prompts, peaks):
    mine = speeds(answers[writer])
    works = [work_of(model, prompts, a["completions"]) / a["seconds"] * 1e-9 for a in answers[writer]]
    row = {"workload": SECTION, "engine": writer.contender.engine, "precision": writer.contender.precision}
    row["at_once"] = writer.at_once
    row |= {"rounds": len(mine), "tokens": statistics.median(sum(map(len, a["completions"])) for a in answers[writer])}
    row |= {"tokens_per_second": statistics.median(mine), "best_tokens_per_second": max(mine), "products": writer.products}
    row["gflops"] = statistics.median(works)
    row["percent_of_ceiling"] = 100 * row["gflops"] / (peaks[writer.products] or peaks["f32"])
    # Round by round, where both had the same neighbours.
    ratios = [a / b for a, b in zip(mine, speeds(answers[rival]), strict=True)]
    row["ratio_to_transformers"] = statistics.median(ratios) if row["engine"] == "ours" else None
    return row


HEADS = ["", "at once", "tokens/s", "best", "n", "x transformers", "GFLOP/s (of the ceiling)", "tokens"]


def section(rows):
    text = f"## {SECTION}\n\n`./run bench --only '{SECTION}'` measures this alone.\n\n"
    text += f"Eight samples of each of eight questions are drawn together at temperature 1, up to {MAX_TOKENS} tokens each;\n"
    text += "tokens a second count what came out, prompts apart. Timed after f32 weights wrote greedily what transformers\n"
    text += "writes. transformers' `generate` has the type and the number of sequences at once that are its fastest.\n\n"
    cells = []
    for row in rows:
        ratio = "" if row["ratio_to_transformers"] is None else f"{row['ratio_to_transformers']:.2f}"
        cells.append([named(row), str(row["at_once"]), f"{row['tokens_per_second']:.0f}", f"{row['best_tokens_per_second']:.0f}",
                      str(row["rounds"]), ratio, f"{row['gflops']:.0f} ({row['percent_of_ceiling']:.0f} % of {row['products']})",
                      f"{row['tokens']:.0f}"])
    return text + table(HEADS, cells)
