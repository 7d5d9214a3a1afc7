#!/usr/bin/env python3
"""Writes train_sft.json: gradients and the losses of ten steps of AdamW on the small models of engine_tiny_models.py.

    python3 tests/golden/train_sft.py     # needs torch, transformers, gguf; half a minute

The models are made again from their seeds; sequences are those of engine_tiny_models.json, and of each the tokens from
the fifth on are learnt. The loss is the mean of -log pi over all of them, by transformers in f32 with
attn_implementation="eager"; padding columns are not part of the softmax. Gradients are given by their norm under the
tensor's GGUF name: the order of rows, which llama files change, does not matter to it. Each loss is that before its step.
"""

import json
import pathlib

import gguf
import torch

from engine_tiny_models import HERE, MODELS, REAL, make_model

NAMES = ["llama", "qwen2", "gemma3", "qwen3"]
FIRST_TARGET = 4
STEPS = 10
LEARNING_RATE = 1e-3


def loss_of(model, sequences):
    log_probs = []
    for tokens in sequences:
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0, :, :REAL]
        rows = torch.log_softmax(logits[FIRST_TARGET - 1 : -1], dim=-1)
        log_probs.append(rows.gather(1, torch.tensor(tokens[FIRST_TARGET:]).unsqueeze(1)))
    return -torch.cat(log_probs).mean()


def main():
    written = json.loads((HERE / "engine_tiny_models.json").read_text())["models"]
    sequences_of = {entry["name"]: [s["tokens"] for s in entry["sequences"]] for entry in written}
    models = []
    for number, (name, (kind, config, architecture, _)) in enumerate(MODELS.items()):
        if name not in NAMES:
            continue
        sequences = [tokens for tokens in sequences_of[name] if len(tokens) > FIRST_TARGET]
        model = make_model(kind, config, seed=1000 + number)
        names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
        loss_of(model, sequences).backward()
        gradients = {
            names.get_name(key, try_suffixes=(".weight", ".bias")): float(parameter.grad.double().norm())
            for key, parameter in sorted(model.named_parameters())
        }
        matrices = [p for p in model.parameters() if p.dim() > 1]
        vectors = [p for p in model.parameters() if p.dim() == 1]
        optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
            lr=LEARNING_RATE, betas=(0.9, 0.95), eps=1e-8,
        )
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = loss_of(model, sequences)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss))
        models.append({"model": name, "gradient_norms": gradients, "losses": losses})
    reference = {"first_target": FIRST_TARGET, "learning_rate": LEARNING_RATE, "models": models}
    (HERE / "train_sft.json").write_text(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()
