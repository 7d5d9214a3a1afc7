#!/usr/bin/env python3
"""Writes engine_tiny_likeliest.json: the likeliest tokens of each place of engine_tiny_llama.gguf, as transformers has them.

    python3 tests/golden/engine_tiny_likeliest.py     # needs what engine_tiny_models.py needs; seconds

The model and the sequences are those of engine_tiny_models.py, whose log-probabilities must come out again. "top_ids" and
"top_log_probs" [T-1][TOP] at place i speak of tokens[i + 1] given tokens[0..i], in nats, the likeliest first, in float64
from logits in f32. Tests allow 1e-3 nat: f32 sums in another order differ by less than 1e-5 here, and two of the TOP that
are nearer than that may stand in the other order.
"""
import json

import numpy as np

from engine_tiny_models import HERE, MODELS, logits_of, make_model

TOP = 8


def main():
    kind, config, _, _ = MODELS["llama"]
    model = make_model(kind, config, seed=1000)
    (known,) = [one for one in json.loads((HERE / "engine_tiny_models.json").read_text())["models"] if one["name"] == "llama"]
    sequences = []
    for sequence in known["sequences"]:
        rows = logits_of(model, sequence["tokens"])[:-1].astype(np.float64)
        log_probs = rows - rows.max(axis=1, keepdims=True)
        log_probs -= np.log(np.exp(log_probs).sum(axis=1, keepdims=True))
        own = log_probs[np.arange(len(rows)), sequence["tokens"][1:]]
        assert np.abs(own - sequence["log_prob"]).max() < 1e-4, "another model than engine_tiny_models.py wrote"
        top = np.argsort(-log_probs, axis=1, kind="stable")[:, :TOP]
        values = [[round(float(value), 7) for value in row] for row in np.take_along_axis(log_probs, top, axis=1)]
        sequences.append({"tokens": sequence["tokens"], "top_ids": top.tolist(), "top_log_probs": values})
    lines = json.dumps({"file": known["file"], "sequences": sequences}, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"')
    (HERE / "engine_tiny_likeliest.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
