#!/usr/bin/env python3
"""Writes peft_adapter.json, what PEFT itself saves of a LoRA adapter, or checks an endorm binary against PEFT.

    python3 tests/golden/peft_adapter.py                    # needs torch, transformers, gguf, peft
    python3 tests/golden/peft_adapter.py --endorm PATH      # trains adapters with it, loads them with PEFT; a minute

The adapter of the golden file is that of engine_tiny_lora.py, whose GGUF file holds the same pairs in llama.cpp's order
of rows: PEFT gets them in Hugging Face's, saves them, and of each tensor that it saved the JSON has shape and sha256.

--endorm: `endorm sft --lora-rank` on each of the tiny models; the model of transformers, made again from its seed, with
the adapter/ of the run on top, must give every response token of `endorm score --lora adapter.gguf` its log-probability.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile

import peft
import safetensors.torch
import torch

from engine_tiny_lora import ALPHA, RANK, TARGETS, make_pairs
from engine_tiny_models import HERE, MODELS, REAL, make_model

CHECKED = ["llama", "qwen2", "gemma3", "qwen3"]
CONFIG_KEYS = ["peft_type", "task_type", "r", "lora_alpha", "target_modules", "bias", "fan_in_fan_out", "use_rslora"]
LIMIT = 1e-4  # nats; measured: 8e-6 at most, where the adapter moves a token by 3 nats in the mean


def model_of(name):
    kind, config, _, _ = MODELS[name]
    return make_model(kind, config, seed=1000 + list(MODELS).index(name))


def write_golden():
    model = model_of("llama")
    pairs = make_pairs(model, seed=3000)
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(model, config)
    parameters = dict(adapted.named_parameters())
    with torch.no_grad():
        for name, (a, b) in pairs.items():
            module = "base_model.model." + name.removesuffix(".weight")
            parameters[module + ".lora_A.default.weight"].copy_(torch.from_numpy(a))
            parameters[module + ".lora_B.default.weight"].copy_(torch.from_numpy(b))
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        tensors = safetensors.torch.load_file(pathlib.Path(folder) / "adapter_model.safetensors")
        saved = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
    golden = {
        "config": {key: saved[key] for key in CONFIG_KEYS} | {"target_modules": sorted(saved["target_modules"])},
        "tensors": {
            name: {"shape": list(tensor.shape), "sha256": hashlib.sha256(tensor.numpy().tobytes()).hexdigest()}
            for name, tensor in sorted(tensors.items())
        },
    }
    lines = json.dumps(golden, separators=(",", ":")).replace('"base_model', '\n"base_model')
    (HERE / "peft_adapter.json").write_text(lines + "\n")


def log_probs(model, prompt, response):
    """[len(response)] given prompt and what stands before, by transformers in f32."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response]), use_cache=False).logits[0, len(prompt) - 1 : -1, :REAL]
    rows = torch.log_softmax(logits.double(), dim=-1)
    return rows.gather(1, torch.tensor(response).unsqueeze(1)).squeeze(1)


def rows_of(text):
    return [row for row in map(json.loads, text.splitlines()) if "manifest" not in row]


def lines_of(*words):
    records = [{"prompt": "in the " + word, "response": f"{word} and the {word} is on"} for word in words]
    return "".join(json.dumps(record) + "\n" for record in records)


def prompt_tokens(inspected):
    """The tokens of each record's prompt, from what `endorm inspect` prints."""
    parts = re.split(r"^record .*$", inspected, flags=re.M)[1:]
    return [[int(token) for token in re.findall(r"^ +\d+ +(\d+) ", part.split("--------")[0], re.M)] for part in parts]


def check(endorm, name, folder):
    """(largest difference to PEFT, mean move of a log-probability by the adapter), nats."""
    def run(*words):
        done = subprocess.run([endorm, *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (folder / "learnt.jsonl").write_text(lines_of("sea", "tree", "stone"))
    (folder / "scored.jsonl").write_text(lines_of("sea", "water", "bridge", "A 7 B"))
    tiny = str(HERE / f"engine_tiny_{name}.gguf")
    run("sft", "learnt.jsonl", "-o", name, "--model", tiny, "--template", "raw", "--lora-rank", "4", "--lora-alpha", "6", "--steps", "4",
        "--batch", "3", "--learning-rate", "1e-2", "--compute", "f32")
    options = ("scored.jsonl", "--model", tiny, "--template", "raw", "--tokens", "--kv-type", "f32")
    prompts = prompt_tokens(run("inspect", "scored.jsonl", "--model", tiny, "--template", "raw", "--records", "4"))
    plain = rows_of(run("score", *options))
    adapted = rows_of(run("score", *options, "--lora", f"{name}/adapter.gguf"))
    worst, moves = 0.0, []
    model = peft.PeftModel.from_pretrained(model_of(name), folder / name / "adapter").eval()
    for prompt, before, after in zip(prompts, plain, adapted, strict=True):
        columns = after["responses"][0]["token_rewards"]
        found = torch.tensor(columns["log_prob"], dtype=torch.float64)
        expected = log_probs(model, prompt, columns["id"])
        worst = max(worst, float((found - expected).abs().max()))
        moves += (found - torch.tensor(before["responses"][0]["token_rewards"]["log_prob"], dtype=torch.float64)).abs().tolist()
    return worst, sum(moves) / len(moves)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", type=pathlib.Path)
    arguments = parser.parse_args()
    if not arguments.endorm:
        return write_golden()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in CHECKED:
            worst, move = check(arguments.endorm.resolve(), name, pathlib.Path(folder))
            faults += not worst < LIMIT
            print(f"{name}: endorm and PEFT differ by {worst:.1e} nats at most; the adapter moves a token by {move:.2f}")
    return faults


if __name__ == "__main__":
    raise SystemExit(main())
