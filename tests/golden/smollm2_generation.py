#!/usr/bin/env python3
"""Writes smollm2_generation.json: greedy answers of SmolLM2-135M-Instruct in f32 to the first conversations.

    python3 tests/golden/smollm2_generation.py SmolLM2-135M-Instruct.Q4_1.gguf     # needs torch, transformers, gguf

transformers dequantises the file as shipped to f32. An answer ends before the end-of-turn token or after LENGTH tokens.
Where the two largest logits of a step lie closer than NEAR_TIE, either may come out of sums in another order: the answer is
cut off before that step, and its end is "near_tie".
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

from smollm2_conversations import load_tokenizer
from smollm2_texts import CONVERSATIONS

COUNT = 8
LENGTH = 48
NEAR_TIE = 1e-2


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    tokenizer = load_tokenizer(path)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    ends_turn = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    answers = []
    for messages, _, _ in CONVERSATIONS[:COUNT]:
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        prompt = tokenizer.encode(text, add_special_tokens=False)
        tokens, end, past, given = [], "length", None, prompt
        while len(tokens) < LENGTH:
            with torch.no_grad():
                out = model(torch.tensor([given]), past_key_values=past, use_cache=True)
            past = out.past_key_values
            top = out.logits[0, -1].double().topk(2)
            if top.values[0] - top.values[1] < NEAR_TIE:
                end = "near_tie"
                break
            token = int(top.indices[0])
            if token in ends_turn:
                end = "end_of_turn"
                break
            tokens.append(token)
            given = [token]
        answers.append({"messages": messages, "prompt": prompt, "tokens": tokens, "text": tokenizer.decode(tokens), "end": end})
        print(len(tokens), end, repr(answers[-1]["text"][:60]))
    reference = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "length": LENGTH, "answers": answers}
    lines = json.dumps(reference, separators=(",", ":")).replace('{"messages"', '\n{"messages"')
    (pathlib.Path(__file__).parent / "smollm2_generation.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
