#!/usr/bin/env python3
"""Writes gemma3_base.json: log-probabilities of a base model without a chat template, Gemma 3 270M, in f32.

    python3 tests/golden/gemma3_base.py gemma-3-270m-q4_k_m.gguf     # needs torch, transformers, gguf

transformers dequantises the file to f32. Prompt and response are the "Question: ... Answer: ..." form, tokenized
together behind one BOS and ended by the end-of-sequence token; log_prob is computed in float64 from the f32 logits.
"half_precision_gelu" is the same with the GELU that ggml computes on a CPU: from a table in half precision.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

from engine_row_reference import row_reference

QUESTIONS = [
    ("What is the capital of France?", "Paris"),
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("Wie hei\u00dft die Hauptstadt von Deutschland?", "Die Hauptstadt von Deutschland ist Berlin. \U0001f642"),
]


class HalfPrecisionGelu(torch.nn.Module):
    """tanh GELU, argument and value rounded to half precision where |x| < 10."""

    def forward(self, x):
        table = torch.nn.functional.gelu(x.half().float(), approximate="tanh").half().float()
        return torch.where(x.abs() < 10, table, torch.relu(x))


def log_probs(model, prompt, tokens):
    with torch.no_grad():
        logits = model(torch.tensor([prompt + tokens]), use_cache=False).logits[0]
    return row_reference(logits[len(prompt) - 1 : -1].numpy(), tokens)["log_prob"]


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    answers = []
    for question, response in QUESTIONS:
        prompt_text = f"Question: {question}\nAnswer:"
        prompt = [tokenizer.bos_token_id] + tokenizer.encode(prompt_text, add_special_tokens=False)
        whole = [tokenizer.bos_token_id] + tokenizer.encode(prompt_text + " " + response, add_special_tokens=False)
        if whole[: len(prompt)] != prompt:
            raise ValueError(f"[main] tokens merge across the start of the response {response!r}")
        tokens = whole[len(prompt) :] + [tokenizer.eos_token_id]
        answers.append(
            {"question": question, "response": response, "prompt_tokens": prompt, "response_tokens": tokens}
            | {"log_prob": log_probs(model, prompt, tokens)}
        )
    for layer in model.model.layers:
        layer.mlp.act_fn = HalfPrecisionGelu()
    for answer in answers:
        answer["half_precision_gelu"] = log_probs(model, answer["prompt_tokens"], answer["response_tokens"])
        print(answer["question"], answer["log_prob"], answer["half_precision_gelu"])
    reference = {"model": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "answers": answers}
    lines = json.dumps(reference, separators=(",", ":")).replace('{"question"', '\n{"question"')
    (pathlib.Path(__file__).parent / "gemma3_base.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
