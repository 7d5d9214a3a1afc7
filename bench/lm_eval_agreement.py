#!/usr/bin/env python3
"""lm-evaluation-harness's `gguf` models against `endorm serve`, held against its `hf` models on the same weights in f32.

    lm_eval_agreement.py [--endorm PATH] [--build DIR] [--folder DIR]

A multiple-choice task of our own (no data set is fetched) goes through both: the accuracies must be the same, the choices
agree, and the log-likelihoods be within BUDGET a token. Needs lm_eval beside what ./run bench needs; says so and ends well
without it.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

try:
    import lm_eval
    import transformers
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(0)

from models import known_models
from workloads import ROOT

BUDGET = (0.01, 0.1)  # |delta log-likelihood| a token in f32, mean and worst

CAPITALS = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "Egypt": "Cairo", "Spain": "Madrid", "Russia": "Moscow", "China": "Beijing",
            "Austria": "Vienna", "Norway": "Oslo", "Greece": "Athens", "Peru": "Lima", "Cuba": "Havana", "Iran": "Tehran", "Kenya": "Nairobi",
            "Poland": "Warsaw", "Portugal": "Lisbon", "Brazil": "Bras\u00edlia", "Colombia": "Bogot\u00e1", "Ukraine": "Kyiv", "Ireland": "Dublin"}
OPPOSITES = {"hot": "cold", "up": "down", "big": "small", "fast": "slow", "open": "closed", "early": "late", "rich": "poor", "wet": "dry",
             "old": "young", "hard": "soft", "light": "dark", "full": "empty", "long": "short", "loud": "quiet", "strong": "weak", "first": "last"}


def questions():
    """{"question", "choices", "answer"}: the right one stands at a place that its number gives."""
    found = []

    def ask(question, right, others, place):
        choices = list(others)
        choices.insert(place % (len(choices) + 1), right)
        found.append({"question": question, "choices": choices, "answer": choices.index(right)})

    for table, question in ((CAPITALS, "Question: What is the capital of {}?\nAnswer:"), (OPPOSITES, "The opposite of \u201c{}\u201d is")):
        answers = list(table.values())
        for i, (name, right) in enumerate(table.items()):
            ask(question.format(name), right, [answers[(i + j) % len(answers)] for j in (3, 5, 7)], i)
    for i in range(16):
        a, b = 3 + i, 2 + (7 * i) % 9
        ask(f"{a} + {b} =", str(a + b), [str(a + b + d) for d in (1, -1, 10)], i)
    return found


def task(file):
    return {"task": "endorm_choices", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(file)}}, "test_split": "test",
            "output_type": "multiple_choice", "doc_to_text": "{{question}}", "doc_to_choice": "{{choices}}", "doc_to_target": "{{answer}}",
            "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}]}


def evaluate(model, model_args, file):
    """(accuracies, [(log-likelihood, whether greedy)] of every choice of every question)."""
    done = lm_eval.simple_evaluate(model=model, model_args=model_args, tasks=[task(file)], batch_size=8, device="cpu", log_samples=True)
    scores = {name.removesuffix(",none"): value for name, value in done["results"]["endorm_choices"].items() if name.startswith("acc")
              and "stderr" not in name}
    samples = sorted(done["samples"]["endorm_choices"], key=lambda one: one["doc_id"])
    return scores, [[(float(log), str(greedy) == "True") for log, greedy in one["filtered_resps"]] for one in samples]


def serve(endorm, model):
    process = subprocess.Popen([endorm, "serve", "--model", model, "--port", "0", "--quiet"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "rewards at " in line:
            return process, line.split("rewards at ")[1].split("/ ")[0]
    raise RuntimeError(f"endorm serve ended with status {process.wait()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs of the bench are")
    parser.add_argument("--endorm", type=pathlib.Path, help="default: that of --build")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/bench", help="for model files")
    arguments = parser.parse_args()
    endorm = (arguments.endorm or arguments.build / "endorm").resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    model = known_models(arguments.folder, arguments.build / "bench", endorm)["smollm2-135m"]()
    folder = model.transformers_folder("float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model.source.parent, gguf_file=model.source.name)
    tokenizer.save_pretrained(folder)
    asked = questions()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(one) + "\n" for one in asked))
        file.flush()
        process, address = serve(endorm, model.file("f32"))
        try:
            scores, found = evaluate("gguf", f"base_url={address}", file.name)
        finally:
            process.terminate()
            process.wait()
        right_scores, right = evaluate("hf", f"pretrained={folder},dtype=float32", file.name)

    tokens = [[len(tokenizer(" " + choice, add_special_tokens=False).input_ids) for choice in one["choices"]] for one in asked]
    gaps = [abs(a[0] - b[0]) / n for mine, its, counts in zip(found, right, tokens, strict=True)
            for a, b, n in zip(mine, its, counts, strict=True)]

    def choice(answers):
        return max(range(len(answers)), key=lambda i: answers[i][0])

    same = sum(choice(a) == choice(b) for a, b in zip(found, right, strict=True))
    greedy = sum(a[1] == b[1] for mine, its in zip(found, right, strict=True) for a, b in zip(mine, its, strict=True))
    print(f"gguf {scores}\nhf   {right_scores}\nchoices agree in {same} of {len(asked)}; log-likelihoods of {len(gaps)} choices differ by "
          f"{statistics.fmean(gaps):.2g} a token in the mean, {max(gaps):.2g} at worst; \"greedy\" agrees in {greedy}")
    within = statistics.fmean(gaps) <= BUDGET[0] and max(gaps) <= BUDGET[1]
    return 0 if within and same == len(asked) and scores == right_scores else 1


if __name__ == "__main__":
    sys.exit(main())
