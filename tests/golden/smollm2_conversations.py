#!/usr/bin/env python3
"""Writes smollm2_conversations.json: what transformers says of twenty conversations, with SmolLM2-135M-Instruct in f32.

    python3 tests/golden/smollm2_conversations.py SmolLM2-135M-Instruct.Q4_1.gguf     # needs torch, transformers, gguf

transformers dequantises the file as shipped to f32 and reads tokenizer and chat template from it as well. The response's
tokens include the end-of-turn token (not where it was cut off) and not the newline that the template puts behind it.
logit, log_sum_exp, log_prob and entropy of each response token are computed in float64 from the f32 logits.
"""

import hashlib
import json
import pathlib
import sys

import gguf
import tokenizers
import torch
import transformers

from engine_row_reference import row_reference
from smollm2_texts import CONVERSATIONS

END_OF_TURN = "<|im_end|>"


def load_tokenizer(path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    fields = gguf.GGUFReader(path).fields
    if tokenizer.chat_template != fields["tokenizer.chat_template"].contents():
        raise ValueError(f"[load_tokenizer] transformers did not take the chat template inside {path}")
    # transformers does not read tokenizer.ggml.pre. This model's own tokenizer ("smollm") splits off every digit first.
    if fields["tokenizer.ggml.pre"].contents() != "smollm":
        raise ValueError(f"[load_tokenizer] {path} is not of SmolLM's vocabulary")
    split = tokenizers.pre_tokenizers
    tokenizer.backend_tokenizer.pre_tokenizer = split.Sequence(
        [split.Digits(individual_digits=True), split.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def tokenize(tokenizer, messages, response, truncated):
    """-> prompt tokens, response tokens. Checks that the prompt's tokens are a prefix of the whole conversation's."""
    prompt_text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    turns = messages + [{"role": "assistant", "content": response}]
    whole_text = tokenizer.apply_chat_template(turns, tokenize=False)
    if whole_text != prompt_text + response + END_OF_TURN + "\n":
        raise ValueError(f"[tokenize] the template rewrites the response {response!r}")
    prompt = tokenizer.encode(prompt_text, add_special_tokens=False)
    whole = tokenizer.encode(prompt_text + response + ("" if truncated else END_OF_TURN), add_special_tokens=False)
    if whole[: len(prompt)] != prompt:
        raise ValueError(f"[tokenize] tokens merge across the start of the response {response!r}")
    return prompt, whole[len(prompt) :]


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    tokenizer = load_tokenizer(path)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    conversations = []
    for messages, response, truncated in CONVERSATIONS:
        prompt, tokens = tokenize(tokenizer, messages, response, truncated)
        with torch.no_grad():
            logits = model(torch.tensor([prompt + tokens]), use_cache=False).logits[0]
        rows = row_reference(logits[len(prompt) - 1 : -1].numpy(), tokens)
        conversations.append(
            {"messages": messages, "response": response, "truncated": truncated, "prompt_tokens": prompt, "response_tokens": tokens}
            | rows
        )
        print(f"{len(prompt)} + {len(tokens)} tokens, mean log-prob {sum(rows['log_prob']) / len(tokens):.3f}")
    reference = {
        "model": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "vocabulary": model.config.vocab_size,
        "conversations": conversations,
    }
    lines = json.dumps(reference, separators=(",", ":")).replace('{"messages"', '\n{"messages"')
    (pathlib.Path(__file__).parent / "smollm2_conversations.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
