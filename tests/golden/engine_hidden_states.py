#!/usr/bin/env python3
"""Writes engine_hidden_states.json: the states behind the last norm of the small models of engine_tiny_models.py.

    python3 tests/golden/engine_hidden_states.py     # needs torch, transformers, gguf; half a minute

The models are made again from their seeds, and engine_tiny_models.json says which tokens; it is checked first that the
logits are still those. A state is that behind the last token, in f32: what the output layer (lm_head) reads.
"""

import json
import pathlib

import numpy as np
import torch

from engine_row_reference import row_reference, rounded
from engine_tiny_models import MODELS, logits_of, make_model

HERE = pathlib.Path(__file__).parent


def last_state(model, tokens):
    """[T] -> [D], what lm_head is given at the last token."""
    seen = []
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model(torch.tensor([tokens]), use_cache=False)
    hook.remove()
    return seen[0][0, -1].numpy()


def main():
    written = json.loads((HERE / "engine_tiny_models.json").read_text())
    models = []
    for number, (name, (kind, config, _, _)) in enumerate(MODELS.items()):
        model = make_model(kind, config, seed=1000 + number)
        entry = written["models"][number]
        assert entry["name"] == name
        for sequence in entry["sequences"]:
            tokens = sequence["tokens"]
            again = row_reference(logits_of(model, tokens)[:-1], tokens[1:])
            assert np.allclose(again["logit"], sequence["logit"], rtol=0, atol=1e-5), name
        sequences = [
            {"tokens": sequence["tokens"], "state": rounded(last_state(model, sequence["tokens"]).astype(np.float64))}
            for sequence in entry["sequences"]
        ]
        models.append({"name": name, "sequences": sequences})
    lines = json.dumps({"models": models}, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"')
    (HERE / "engine_hidden_states.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
