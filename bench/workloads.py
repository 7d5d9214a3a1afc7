"""What is measured: token sequences cut from this project's own texts, and ProcessBench rows where they lie beside it."""

import dataclasses
import json
import pathlib
import subprocess

from page import say

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROCESSBENCH = ROOT.parent / "shared/data/processbench/gsm8k.json"
PROMPT, RESPONSE, CANDIDATES = 800, 150, 16


@dataclasses.dataclass
class Workload:
    name: str
    model: object
    tokens: dict  # {"prompts": [{"prompt": [..], "responses": [[..]]}]}
    rivals_see: int | None = None  # sequences a rival is timed on, which computes each alone; none: all

    def part(self, sequences):
        """The first sequences alone."""
        if sequences is None:
            return self.tokens
        prompts = []
        for prompt in self.tokens["prompts"]:
            responses = prompt["responses"][:sequences]
            sequences -= len(responses)
            if responses:
                prompts.append({"prompt": prompt["prompt"], "responses": responses})
        return {"prompts": prompts}


def tokens_asked(tokens):
    return sum(len(p["prompt"]) + len(r) for p in tokens["prompts"] for r in p["responses"])


def own_pages():
    """The texts of this project's pages, but the one that the bench writes."""
    pages = [ROOT / "README.md", ROOT / "LICENSE", *sorted((ROOT / "docs").glob("**/*.md"))]
    return [page.read_text() for page in pages if page.name != "performance.md"]


class Texts:
    """The project's own pages as one run of tokens, cut from the front, from the start again where they end."""

    def __init__(self, model):
        (tokenized,) = tokenize(model, "raw", [{"prompt": "\n", "responses": ["\n".join(own_pages())]}])
        self.start, self.all, self.place = tokenized["prompt"], tokenized["responses"][0], 0

    def cut(self, count):
        found = [self.all[(self.place + i) % len(self.all)] for i in range(count)]
        self.place += count
        return found

    def texts(self, length, count):
        rest = length - len(self.start)
        return {"prompts": [{"prompt": self.start, "responses": [self.cut(rest)]} for _ in range(count)]}

    def best_of(self, count):
        prompt = self.start + self.cut(PROMPT - len(self.start))
        return {"prompts": [{"prompt": prompt, "responses": [self.cut(RESPONSE) for _ in range(count)]}]}


def tokenize(model, template, records):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    command = [model.programs / "tokenize_records", "--model", model.file("bf16"), "--template", template]
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def processbench(model, template, rows):
    if not PROCESSBENCH.exists():
        return None
    records = json.loads(PROCESSBENCH.read_text())[:rows]
    texts = [{"prompt": r["problem"], "responses": ["\n\n".join(r["steps"])]} for r in records]
    return {"prompts": tokenize(model, template, texts)}


def workloads(models, quick):
    """Yields one after the other, so that a model's files are written when they are needed."""
    smollm2 = models["smollm2-135m"]()
    texts = Texts(smollm2)
    yield Workload("SmolLM2-135M, 512 tokens", smollm2, texts.texts(512, 4))
    yield Workload("SmolLM2-135M, 2,048 tokens", smollm2, texts.texts(2048, 1 if quick else 2))
    seen = 4 if quick else None
    yield Workload("SmolLM2-135M, best of 16 (prompt 800, responses 150)", smollm2, texts.best_of(CANDIDATES), seen)
    if not quick:
        steps = processbench(smollm2, "model", 16)
        if steps is None:
            say(f"ProcessBench is left out: {PROCESSBENCH} is not there")
        else:
            yield Workload("SmolLM2-135M, 16 ProcessBench rows with steps", smollm2, steps)
        gemma = models["gemma3-270m-base"]()
        texts = Texts(gemma)
        yield Workload("Gemma-3-270M, 512 tokens", gemma, texts.texts(512, 4))
        yield Workload("Gemma-3-270M, 2,048 tokens", gemma, texts.texts(2048, 1))
    qwen = models["qwen2.5-0.5b-shape"]()
    texts = Texts(qwen)
    yield Workload("Qwen2.5-0.5B shape, 512 tokens", qwen, texts.texts(512, 1 if quick else 4))
    if not quick:
        yield Workload("Qwen2.5-0.5B shape, 2,048 tokens", qwen, texts.texts(2048, 1))
