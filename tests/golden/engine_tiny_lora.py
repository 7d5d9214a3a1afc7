#!/usr/bin/env python3
"""Writes engine_tiny_lora.gguf, a random LoRA adapter of the tiny llama model, and engine_tiny_lora.json, its numbers.

    python3 tests/golden/engine_tiny_lora.py     # needs torch, transformers, gguf

The adapter gives every weight W [out, in] of a layer a pair A [rank, in], B [out, rank]. The goldens are transformers' with
the merged weights W + scale * alpha / rank * B A, at two scales; arithmetic and numbers as in engine_tiny_models.py.
"""

import json

import gguf
import numpy as np
import torch

from engine_row_reference import row_reference
from engine_tiny_gguf import gguf_tensors
from engine_tiny_models import ARCH, HERE, MODELS, logits_of, make_model

RANK, ALPHA = 4, 6.0  # alpha / rank is neither 1 nor a power of two
SCALES = [1.0, 0.5]
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def make_pairs(model, seed):
    """name of a weight -> (A [rank, in], B [out, rank]): changes of half the size of the weights themselves."""
    random = np.random.RandomState(seed)
    pairs = {}
    for name, weight in sorted(model.named_parameters()):
        if any(f"{target}.weight" in name for target in TARGETS):
            rows, columns = weight.shape
            a = random.standard_normal((RANK, columns)) / np.sqrt(columns)
            b = 0.5 * random.standard_normal((rows, RANK)) * np.sqrt(RANK) / ALPHA
            pairs[name] = (a.astype(np.float32), b.astype(np.float32))
    return pairs


def write_adapter(path, model, pairs):
    names = gguf.get_tensor_name_map(ARCH.LLAMA, model.config.num_hidden_layers)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[ARCH.LLAMA])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, ALPHA)
    for name, (a, b) in pairs.items():
        mapped = names.get_name(name, try_suffixes=(".weight",))
        # The rows of B are those of the weight: they move where the weight's rows move.
        ((_, moved),) = gguf_tensors(name, b, model.config)
        writer.add_tensor(mapped + ".lora_a", a)
        writer.add_tensor(mapped + ".lora_b", np.ascontiguousarray(moved))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merge(model, pairs, factor):
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, (a, b) in pairs.items():
            change = factor * (b.astype(np.float64) @ a.astype(np.float64))
            parameters[name].copy_((parameters[name].double() + torch.from_numpy(change)).float())


def main():
    kind, config, _, _ = MODELS["llama"]
    make = lambda: make_model(kind, config, seed=1000)  # the weights of engine_tiny_llama.gguf
    plain = make()
    pairs = make_pairs(plain, seed=3000)
    path = HERE / "engine_tiny_lora.gguf"
    write_adapter(path, plain, pairs)
    models = json.loads((HERE / "engine_tiny_models.json").read_text())["models"]
    sequences = next(model for model in models if model["name"] == "llama")["sequences"]
    reference = {"file": path.name, "scales": []}
    for scale in SCALES:
        model = make()
        merge(model, pairs, scale * ALPHA / RANK)
        entries = []
        for sequence in sequences:
            tokens = sequence["tokens"]
            entries.append({"tokens": tokens} | row_reference(logits_of(model, tokens)[:-1], tokens[1:]))
        moved = [abs(new - old) for e, s in zip(entries, sequences) for new, old in zip(e["log_prob"], s["log_prob"])]
        print(f"scale {scale}: log-probabilities move by {np.mean(moved):.2f} nats in the mean")
        reference["scales"].append({"scale": scale, "sequences": entries})
    lines = json.dumps(reference, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"').replace('{"scale"', '\n{"scale"')
    (HERE / "engine_tiny_lora.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
