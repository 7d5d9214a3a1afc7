#!/usr/bin/env python3
"""Writes judge_ifd.json: the instruction-following difficulty of a few conversations by transformers, with
SmolLM2-135M-Instruct in f32.

    python3 tests/golden/judge_ifd.py SmolLM2-135M-Instruct.Q4_1.gguf      # needs torch, transformers, gguf

Tokenizer, model and chat template as in smollm2_conversations.py. with_prompt and without_prompt are the mean losses on
the response's tokens, the end-of-turn token included (nats, in float64 from the f32 logits); without_prompt has an
empty user turn in the place of the conversation, behind the same system message. ifd is their ratio (Li et al. 2024,
arXiv:2308.12032).
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

from smollm2_conversations import load_tokenizer, tokenize

HERE = pathlib.Path(__file__).resolve().parent

# (messages, response), our own text
TRAINED_ON = [
    ([{"role": "user", "content": "What is the capital of France?"}], "The capital of France is Paris."),
    ([{"role": "user", "content": "What is the capital of France?"}], "Bees make honey from nectar."),
    (
        [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "Which colour has the sky?"}],
        "Blue.",
    ),
    (
        [
            {"role": "user", "content": "Write a Python function that adds two numbers."},
            {"role": "assistant", "content": "def add(a, b): return a + b"},
            {"role": "user", "content": "Now one that multiplies them."},
        ],
        "def multiply(a, b): return a * b",
    ),
]


def mean_loss(model, prompt, response):
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response])).logits[0].double()
    log_probs = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 : -1]
    return -log_probs.gather(1, torch.tensor(response)[:, None]).mean().item()


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    tokenizer = load_tokenizer(path)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    records = []
    for messages, response in TRAINED_ON:
        empty = [message for message in messages if message["role"] == "system"] + [{"role": "user", "content": ""}]
        losses = [mean_loss(model, *tokenize(tokenizer, prompt, response, False)) for prompt in (messages, empty)]
        records.append(
            {
                "messages": messages,
                "response": response,
                "with_prompt": float(f"{losses[0]:.9g}"),
                "without_prompt": float(f"{losses[1]:.9g}"),
                "ifd": float(f"{losses[0] / losses[1]:.9g}"),
            }
        )
    golden = {
        "model": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "records": records,
    }
    (HERE / "judge_ifd.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
