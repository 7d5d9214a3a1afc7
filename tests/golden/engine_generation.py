#!/usr/bin/env python3
"""Writes engine_generation.json: greedy continuations by the small models of engine_tiny_models.py.

    python3 tests/golden/engine_generation.py     # needs torch, transformers, gguf; a minute

Each step is a whole forward pass of transformers in f32, without a cache. A continuation ends before one of the two
end-of-generation tokens, or after LENGTH tokens. Where the two largest logits of a step lie closer than NEAR_TIE, either
may come out of sums in another order: the continuation is cut off before that step, and near_tie says so.
"""

import json
import pathlib

import numpy as np

from engine_tiny_gguf import BOS_ID, TURN_ENDS_ID
from engine_tiny_models import MODELS, logits_of, make_model

HERE = pathlib.Path(__file__).parent
LENGTH = 32
NEAR_TIE = 2e-2  # ggml's own GELU is a table in half precision: it moves the Gemma models by up to 1.4e-3


def greedy(model, prompt):
    tokens = []
    while len(tokens) < LENGTH:
        row = logits_of(model, prompt + tokens)[-1].astype(np.float64)
        first, second = np.argsort(-row)[:2]
        if row[first] - row[second] < NEAR_TIE:
            return {"prompt": prompt, "tokens": tokens, "end": "near_tie"}
        if int(first) in (BOS_ID, TURN_ENDS_ID):
            return {"prompt": prompt, "tokens": tokens, "end": "end_of_turn"}
        tokens.append(int(first))
    return {"prompt": prompt, "tokens": tokens, "end": "length"}


def main():
    written = json.loads((HERE / "engine_tiny_models.json").read_text())
    models = []
    for number, (name, (kind, config, _, _)) in enumerate(MODELS.items()):
        model = make_model(kind, config, seed=1000 + number)
        entry = written["models"][number]
        assert entry["name"] == name
        prompts = [sequence["tokens"][:length] for sequence in entry["sequences"] for length in (1, 4, 16)]
        prompts = [list(prompt) for prompt in dict.fromkeys(map(tuple, prompts))]
        completions = [greedy(model, prompt) for prompt in prompts]
        ends = [completion["end"] for completion in completions]
        print(name, {end: ends.count(end) for end in ends}, sum(len(c["tokens"]) for c in completions), "tokens")
        models.append({"name": name, "completions": completions})
    lines = json.dumps({"length": LENGTH, "models": models}, separators=(",", ":")).replace('{"prompt"', '\n{"prompt"')
    (HERE / "engine_generation.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
